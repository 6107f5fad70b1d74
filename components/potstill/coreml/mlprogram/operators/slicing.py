"""Taking a part of a tensor, replacing a part, and adding a border."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from potstill.coreml.mlprogram.table import operator

Flags = Sequence[bool]
Place = slice | int | Tensor
FILLED = {"replicate": "edge", "reflect": "reflect"}  # the mode of a pad → what numpy calls it


@operator("slice_by_index", exact=True)
def slice_by_index(
    x: Tensor,
    *,
    begin: Sequence[int],
    end: Sequence[int],
    stride: Sequence[int] = (),
    begin_mask: Flags = (),
    end_mask: Flags = (),
    squeeze_mask: Flags = (),
) -> Tensor:
    """x[begin:end:stride] per axis; a mask leaves a bound out, `squeeze_mask` takes one entry and drops the axis."""
    bounds = _bounds(x.dim(), begin, end, stride, begin_mask, end_mask)
    squeezed = squeeze_mask or [False] * x.dim()
    for axis in reversed(range(x.dim())):
        x = x.select(axis, bounds[axis].start or 0) if squeezed[axis] else _along(x, axis, bounds[axis])
    return x


@operator("slice_by_size", exact=True)
def slice_by_size(x: Tensor, *, begin: Sequence[int], size: Sequence[int]) -> Tensor:
    """From `begin`, which may count from the end, `size` entries along each axis; −1: all that are left."""
    for axis, (start, count) in enumerate(zip(begin, size, strict=True)):
        first = start % x.shape[axis] if start < 0 else start
        x = x.narrow(axis, first, x.shape[axis] - first if count == -1 else count)
    return x


@operator("slice_update", exact=True)
def slice_update(
    x: Tensor,
    update: Tensor,
    *,
    begin: Sequence[int],
    end: Sequence[int],
    stride: Sequence[int] = (),
    begin_mask: Flags = (),
    end_mask: Flags = (),
    squeeze_mask: Flags = (),
) -> Tensor:
    """Return x with the part that slice_by_index would take replaced by `update`."""
    places = torch.arange(x.numel()).reshape(x.shape)
    taken = slice_by_index(
        places, begin=begin, end=end, stride=stride, begin_mask=begin_mask, end_mask=end_mask, squeeze_mask=squeeze_mask
    )
    return x.reshape(-1).index_copy(0, taken.reshape(-1), update.reshape(-1)).reshape(x.shape)


@operator("pad", exact=True)
def pad(x: Tensor, *, pad: Sequence[int], mode: str = "constant", constant_val: float = 0.0) -> Tensor:
    """pad: entries before and after, for the last axes in order: (first axis before, after, next axis before, …)."""
    pairs = [(pad[2 * axis], pad[2 * axis + 1]) for axis in range(len(pad) // 2)]
    if mode == "constant":
        return nn.functional.pad(x, [amount for pair in reversed(pairs) for amount in pair], value=constant_val)
    if mode not in FILLED:
        raise ValueError(f"mode must be constant, {' or '.join(FILLED)}, got {mode}")
    for axis, pair in zip(range(-len(pairs), 0), pairs, strict=True):
        places = np.pad(np.arange(x.shape[axis]), pair, FILLED[mode])  # type: ignore[call-overload]
        x = x.index_select(axis, torch.from_numpy(places))
    return x


def _bounds(
    rank: int, begin: Sequence[int], end: Sequence[int], stride: Sequence[int], begin_mask: Flags, end_mask: Flags
) -> list[slice]:
    none = [False] * rank
    starts = [None if masked else first for masked, first in zip(begin_mask or none, begin, strict=True)]
    ends = [None if masked else last for masked, last in zip(end_mask or none, end, strict=True)]
    return [slice(*each) for each in zip(starts, ends, stride or [1] * rank, strict=True)]


def _along(x: Tensor, axis: int, bounds: slice) -> Tensor:
    start, stop, step = bounds.indices(x.shape[axis])
    if step > 0:
        return x if (start, stop, step) == (0, x.shape[axis], 1) else x[(slice(None),) * axis + (bounds,)]
    return x.index_select(axis, torch.tensor(range(start, stop, step), dtype=torch.int64))
