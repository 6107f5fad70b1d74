"""Looking values up by their index. A negative index counts from the end, and one out of range is refused."""

import torch
from torch import Tensor

from potstill.coreml.mlprogram.table import indexed, operator


@operator("gather", result=indexed, exact=True)
def gather(x: Tensor, indices: Tensor, *, axis: int = 0, batch_dims: int = 0, validate_indices: bool = False) -> Tensor:
    """Take the slices of x at `indices` along an axis.

    Indices out of range are refused whether the package asks for it (`validate_indices`) or not.

    Args:
        x: (…).
        indices: the result has their axes in the place of `axis`.
        axis: of x.
        batch_dims: so many leading axes are common to x and indices.
        validate_indices: see above.
    """
    del validate_indices
    axis %= x.dim()
    places = counted(indices, x.shape[axis])
    if batch_dims:
        return _gather_in_batches(x, places, axis, batch_dims)
    taken = torch.index_select(x, axis, places.reshape(-1))
    return taken.reshape(x.shape[:axis] + indices.shape + x.shape[axis + 1 :])


@operator("gather_along_axis", result=indexed, exact=True)
def gather_along_axis(x: Tensor, indices: Tensor, *, axis: int = 0, validate_indices: bool = False) -> Tensor:
    """For each entry of `indices`, the entry of x that stands there along the axis, all other places being equal."""
    del validate_indices
    return torch.gather(x, axis, counted(indices, x.shape[axis]))


@operator("gather_nd", result=indexed, exact=True)
def gather_nd(x: Tensor, indices: Tensor, *, batch_dims: int = 0, validate_indices: bool = False) -> Tensor:
    """indices: (…, depth); each vector names a place in the axes of x after the batch's."""
    del validate_indices
    batch = [
        torch.arange(length).reshape(-1, *[1] * (indices.dim() - 2 - axis))
        for axis, length in enumerate(x.shape[:batch_dims])
    ]
    inner = [counted(indices[..., depth], x.shape[batch_dims + depth]) for depth in range(indices.shape[-1])]
    return x[tuple(batch + inner)]


def counted(indices: Tensor, length: int) -> Tensor:
    """Indices from 0 on, as torch takes them."""
    places = indices.long()
    return torch.where(places < 0, places + length, places)


def _gather_in_batches(x: Tensor, places: Tensor, axis: int, batch_dims: int) -> Tensor:
    """Move `axis` behind the batch, look up in each batch, and move the axes of the indices to where it stood."""
    batch, inner = x.shape[:batch_dims], places.shape[batch_dims:]
    moved = x.movedim(axis, batch_dims)
    rest = moved.shape[batch_dims + 1 :]
    flat = moved.reshape(-1, moved.shape[batch_dims], *rest)
    each = torch.arange(flat.shape[0])[:, None]
    taken = flat[each, places.reshape(flat.shape[0], -1)].reshape(*batch, *inner, *rest)
    before = list(range(batch_dims, batch_dims + len(inner)))
    return taken.movedim(before, list(range(axis, axis + len(inner))))
