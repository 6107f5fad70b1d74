"""Values that only change their place or their shape."""

from collections.abc import Sequence

import torch
from torch import Tensor

from potstill.coreml.mlprogram.table import operator


@operator("identity", exact=True)
def identity(x: Tensor) -> Tensor:
    """Return x itself."""
    return x


@operator("reshape", exact=True)
def reshape(x: Tensor, *, shape: Sequence[int]) -> Tensor:
    """shape: lengths of the axes; −1 takes what is left, 0 keeps the axis of x at the same place."""
    return x.reshape([x.shape[axis] if length == 0 else length for axis, length in enumerate(shape)])


@operator("flatten2d", exact=True)
def flatten2d(x: Tensor, *, axis: int = 1) -> Tensor:
    """Two axes: all before `axis`, all from it on."""
    before = 1
    for length in x.shape[:axis]:
        before *= length
    return x.reshape(before, -1)


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


@operator("squeeze", exact=True)
def squeeze(x: Tensor, *, axes: Sequence[int] = ()) -> Tensor:
    """Drop axes of length 1: those given, or all."""
    wanted = tuple(axes) or tuple(axis for axis, length in enumerate(x.shape) if length == 1)
    if any(x.shape[axis] != 1 for axis in wanted):
        raise ValueError(f"axes {list(wanted)} must have length 1, the shape is {tuple(x.shape)}")
    return x.squeeze(wanted)


@operator("reverse", exact=True)
def reverse(x: Tensor, *, axes: Sequence[int] = ()) -> Tensor:
    """Turn axes round: those given, or all."""
    return x.flip(list(axes) or list(range(x.dim())))


@operator("tile", exact=True)
def tile(x: Tensor, *, reps: Sequence[int]) -> Tensor:
    """Repeat x along each axis."""
    return x.repeat(*reps)


@operator("concat", exact=True)
def concat(*values: Tensor, axis: int, interleave: bool = False) -> Tensor:
    """Lay tensors one after the other along an axis, or by turns; scalars become a vector."""
    if interleave:
        axis %= values[0].dim()
        return torch.stack(values, axis + 1).flatten(axis, axis + 1)
    return torch.cat(values, axis) if values[0].dim() else torch.stack(values)


@operator("stack", exact=True)
def stack(*values: Tensor, axis: int) -> Tensor:
    """Lay tensors one after the other along a new axis."""
    return torch.stack(values, axis)


@operator("split", exact=True)
def split(
    x: Tensor, *, axis: int, num_splits: int | None = None, split_sizes: Sequence[int] = ()
) -> tuple[Tensor, ...]:
    """Cut along an axis: into parts of the given sizes, or into so many of one size."""
    if split_sizes:
        return torch.split(x, list(split_sizes), axis)
    if not num_splits or x.shape[axis] % num_splits:
        raise ValueError(f"num_splits {num_splits} must divide {x.shape[axis]}")
    return torch.split(x, x.shape[axis] // num_splits, axis)


@operator("sliding_windows", exact=True)
def sliding_windows(x: Tensor, *, axis: int, size: int, stride: int = 1) -> Tensor:
    """Windows of `size` entries along an axis: the axis becomes two, (windows, size)."""
    axis %= x.dim()
    return x.unfold(axis, size, stride).movedim(-1, axis + 1)
