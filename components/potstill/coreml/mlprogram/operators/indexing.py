"""Looking values up: gather, select."""

import torch
from torch import Tensor

from potstill.coreml.mlprogram.table import indexed, operator, selected


@operator("gather", result=indexed, exact=True)
def gather(x: Tensor, indices: Tensor, *, axis: int = 0, batch_dims: int = 0, validate_indices: bool = False) -> Tensor:
    """Take the slices of x at `indices` along an axis; a negative index counts from the end.

    Indices out of range are refused whether the package asks for it (`validate_indices`) or not.
    """
    del validate_indices
    if batch_dims:
        raise ValueError("batch_dims other than 0 are not executed")
    axis %= x.dim()
    places = indices.long()
    places = torch.where(places < 0, places + x.shape[axis], places)
    taken = torch.index_select(x, axis, places.reshape(-1))
    return taken.reshape(x.shape[:axis] + indices.shape + x.shape[axis + 1 :])


@operator("select", result=selected, exact=True)
def select(cond: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Take a where cond holds, else b."""
    return torch.where(cond, a, b)
