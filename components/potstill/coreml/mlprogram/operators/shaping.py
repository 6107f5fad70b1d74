"""Values that only change their place: reshape, transpose, slice, pad, concatenate."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from potstill.coreml.mlprogram.table import operator

Flags = Sequence[bool]


@operator("reshape", exact=True)
def reshape(x: Tensor, *, shape: Sequence[int]) -> Tensor:
    """shape: lengths of the axes; −1 takes what is left, 0 keeps the axis of x at the same place."""
    return x.reshape([x.shape[axis] if length == 0 else length for axis, length in enumerate(shape)])


@operator("transpose", exact=True)
def transpose(x: Tensor, *, perm: Sequence[int]) -> Tensor:
    """perm: for each axis of the result, the axis of x."""
    return x.permute(*perm)


@operator("expand_dims", exact=True)
def expand_dims(x: Tensor, *, axes: Sequence[int]) -> Tensor:
    """axes: where axes of length 1 stand in the result."""
    rank = x.dim() + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x


@operator("concat", exact=True)
def concat(*values: Tensor, axis: int, interleave: bool = False) -> Tensor:
    """Lay tensors one after the other along an axis."""
    if interleave:
        raise ValueError("interleave is not executed")
    return torch.cat(values, axis)


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
    none = [False] * x.dim()
    taken = []
    for axis, squeezed in enumerate(squeeze_mask or none):
        start = None if (begin_mask or none)[axis] else begin[axis]
        stop = None if (end_mask or none)[axis] else end[axis]
        taken.append(begin[axis] if squeezed else slice(start, stop, stride[axis] if stride else 1))
    return x[tuple(taken)]


@operator("pad", exact=True)
def pad(x: Tensor, *, pad: Sequence[int], mode: str = "constant", constant_val: float = 0.0) -> Tensor:
    """pad: entries before and after, for the last axes in order: (first axis before, after, next axis before, …)."""
    if mode != "constant":
        raise ValueError(f"mode must be constant, got {mode}")
    pairs = [(pad[2 * axis], pad[2 * axis + 1]) for axis in range(len(pad) // 2)]
    last_first = [amount for pair in reversed(pairs) for amount in pair]
    return nn.functional.pad(x, last_first, value=constant_val)
