"""The table of layers: for each type, the function that makes a layer's computation from its parameters."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

Compute = Callable[..., Tensor | tuple[Tensor, ...]]
Make = Callable[[Any], Compute]  # takes the layer's parameters, the message of its type

LAYERS: dict[str, Make] = {}


def layer(*names: str) -> Callable[[Make], Make]:
    """Enter a function into the table under the names that the format gives to types of layer."""

    def enter(make: Make) -> Make:
        LAYERS.update(dict.fromkeys(names, make))
        return make

    return enter


def plain(functions: dict[str, Compute]) -> None:
    """Enter types of layer that have no parameters."""
    for name, compute in functions.items():
        LAYERS[name] = _always(compute)


def _always(compute: Compute) -> Make:
    return lambda _: compute
