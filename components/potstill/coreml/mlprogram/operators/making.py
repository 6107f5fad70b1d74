"""Values out of settings: shapes, ranges, one value many times, bands, one-hot vectors."""

from collections.abc import Sequence

import torch
from torch import Tensor

from potstill.coreml.mlprogram.table import Dtypes, Settings, like, operator


def _counted(_: Dtypes, __: Settings) -> str:
    return "INT32"


def _filled(dtypes: Dtypes, _: Settings) -> str:
    return dtypes.get("value", "FLOAT32")


@operator("shape", result=_counted)
def shape(x: Tensor) -> Tensor:
    """Lengths of the axes: (rank,) INT32."""
    return torch.tensor(x.shape, dtype=torch.int32)


@operator("fill", result=_filled, exact=True)
def fill(value: Tensor | None = None, *, shape: Sequence[int]) -> Tensor:
    """One value (0 where none is given) in every entry."""
    return _full(shape, value)


@operator("fill_like", result=_filled, exact=True)
def fill_like(ref_tensor: Tensor, value: Tensor | None = None) -> Tensor:
    """Likewise, in the shape of another tensor."""
    return _full(ref_tensor.shape, value)


@operator("range_1d", exact=False)
def range_1d(start: Tensor, end: Tensor, step: Tensor) -> Tensor:
    """Numbers from start, by step, before end."""
    return torch.arange(start.item(), end.item(), step.item(), dtype=start.dtype)


@operator("one_hot", result=like("on_value"), exact=True)
def one_hot(
    indices: Tensor, on_value: Tensor, off_value: Tensor, *, one_hot_vector_size: int, axis: int = -1
) -> Tensor:
    """A new axis of `one_hot_vector_size` entries: on_value at the index, off_value elsewhere."""
    axis %= indices.dim() + 1
    classes = torch.arange(one_hot_vector_size).reshape(-1, *[1] * (indices.dim() - axis))
    return torch.where(indices.unsqueeze(axis) == classes, on_value, off_value)


@operator("band_part", exact=True)
def band_part(x: Tensor, *, lower: int = -1, upper: int = -1) -> Tensor:
    """Keep of each matrix so many diagonals below the main one and above it, all where negative; the rest is 0."""
    down = torch.arange(x.shape[-2])[:, None] - torch.arange(x.shape[-1])
    kept = torch.ones_like(down, dtype=torch.bool)
    if lower >= 0:
        kept &= down <= lower
    if upper >= 0:
        kept &= -down <= upper
    return torch.where(kept, x, torch.zeros((), dtype=x.dtype))


def _full(shape: Sequence[int], value: Tensor | None) -> Tensor:
    one = torch.zeros(()) if value is None else value
    return torch.full(list(shape), one.item(), dtype=one.dtype)
