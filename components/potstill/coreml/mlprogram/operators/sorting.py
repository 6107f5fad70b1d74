"""Values in order, and where those stand that are not 0."""

import torch
from torch import Tensor

from potstill.coreml.mlprogram.table import Dtypes, Settings, operator


def _order(_: Dtypes, __: Settings) -> str:
    return "INT32"


def _values_and_places(dtypes: Dtypes, settings: Settings) -> tuple[str, ...]:
    values = (dtypes["x"],)
    if not settings.get("return_indices", True):
        return values
    return (*values, str(settings.get("output_indices_dtype", "int32")).upper())


@operator("argsort", result=_order)
def argsort(x: Tensor, *, axis: int = -1, ascending: bool = False) -> Tensor:
    """Where the entries stand, the greatest first (`ascending`: the least); equals in their own order."""
    return torch.sort(x, dim=axis, descending=not ascending, stable=True).indices.to(torch.int32)


@operator("topk", result=_values_and_places, exact=True)
def topk(
    x: Tensor,
    *,
    k: int = 1,
    axis: int = -1,
    ascending: bool = False,
    sort: bool = True,
    return_indices: bool = True,
    output_indices_dtype: str = "int32",
) -> tuple[Tensor, ...]:
    """The k greatest entries along an axis (`ascending`: the least), in order, and where they stand."""
    del sort, output_indices_dtype  # an order is never wrong; uint16 is held as int32 is
    values, places = torch.sort(x, dim=axis, descending=not ascending, stable=True)
    found = values.narrow(axis, 0, k), places.narrow(axis, 0, k).to(torch.int32)
    return found if return_indices else found[:1]


@operator("non_zero", result=_order)
def non_zero(x: Tensor) -> Tensor:
    """(how many, rank) INT32: the places of the entries that are not 0, row by row."""
    return torch.nonzero(x).to(torch.int32)
