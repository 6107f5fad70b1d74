"""Changing single entries by their index.

Each operator finds the places of its updates as its gather would: in a tensor that holds the number of every entry.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from potstill.coreml.mlprogram.operators.indexing import gather, gather_along_axis, gather_nd
from potstill.coreml.mlprogram.table import indexed, operator

MODES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "update": lambda data, places, updates: data.scatter(0, places, updates),
    "add": lambda data, places, updates: data.scatter_reduce(0, places, updates, "sum"),
    "sub": lambda data, places, updates: data.scatter_reduce(0, places, -updates, "sum"),
    "mul": lambda data, places, updates: data.scatter_reduce(0, places, updates, "prod"),
    "div": lambda data, places, updates: data / torch.ones_like(data).scatter_reduce(0, places, updates, "prod"),
    "max": lambda data, places, updates: data.scatter_reduce(0, places, updates, "amax"),
    "min": lambda data, places, updates: data.scatter_reduce(0, places, updates, "amin"),
}


@operator("scatter", result=indexed)
def scatter(
    data: Tensor, indices: Tensor, updates: Tensor, *, axis: int = 0, mode: str = "add", validate_indices: bool = False
) -> Tensor:
    """Change the slices of data that gather would take."""
    places = gather(_numbered(data), indices, axis=axis, validate_indices=validate_indices)
    return _changed(data, places, updates, mode)


@operator("scatter_along_axis", result=indexed)
def scatter_along_axis(
    data: Tensor, indices: Tensor, updates: Tensor, *, axis: int = 0, mode: str = "add", validate_indices: bool = False
) -> Tensor:
    """Change the entries of data that gather_along_axis would take."""
    places = gather_along_axis(_numbered(data), indices, axis=axis, validate_indices=validate_indices)
    return _changed(data, places, updates, mode)


@operator("scatter_nd", result=indexed)
def scatter_nd(
    data: Tensor, indices: Tensor, updates: Tensor, *, mode: str = "add", validate_indices: bool = False
) -> Tensor:
    """Change the entries of data that gather_nd would take."""
    places = gather_nd(_numbered(data), indices, validate_indices=validate_indices)
    return _changed(data, places, updates, mode)


def _numbered(data: Tensor) -> Tensor:
    return torch.arange(data.numel()).reshape(data.shape)


def _changed(data: Tensor, places: Tensor, updates: Tensor, mode: str) -> Tensor:
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode}")
    return MODES[mode](data.reshape(-1), places.reshape(-1), updates.reshape(-1)).to(data.dtype).reshape(data.shape)
