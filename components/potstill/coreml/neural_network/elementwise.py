"""Layers that work entry by entry: on one tensor, on two, on many."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from potstill.coreml.neural_network.table import LAYERS, Compute, Make, layer, plain

TINY = 1e-6  # what the format takes for an epsilon of 0

ONE: dict[str, Compute] = {
    "ceil": torch.ceil,
    "floor": torch.floor,
    "sign": torch.sign,
    "round": torch.round,
    "exp2": torch.exp2,
    "sin": torch.sin,
    "cos": torch.cos,
    "tan": torch.tan,
    "asin": torch.asin,
    "acos": torch.acos,
    "atan": torch.atan,
    "sinh": torch.sinh,
    "cosh": torch.cosh,
    "tanh": torch.tanh,
    "asinh": torch.asinh,
    "acosh": torch.acosh,
    "atanh": torch.atanh,
    "erf": torch.erf,
    "logicalNot": lambda x: (x == 0).float(),
    "copy": lambda x: x,
}
TWO: dict[str, Compute] = {
    "addBroadcastable": torch.add,
    "subtractBroadcastable": torch.sub,
    "multiplyBroadcastable": torch.mul,
    "divideBroadcastable": torch.div,
    "floorDivBroadcastable": lambda a, b: torch.floor(a / b),
    "modBroadcastable": torch.remainder,
    "powBroadcastable": torch.pow,
    "logicalAnd": lambda a, b: ((a != 0) & (b != 0)).float(),
    "logicalOr": lambda a, b: ((a != 0) | (b != 0)).float(),
    "logicalXor": lambda a, b: ((a != 0) ^ (b != 0)).float(),
    "whereBroadcastable": lambda condition, a, b: torch.where(condition != 0, a, b),
}
MANY: dict[str, Compute] = {
    "max": lambda *tensors: reduce(torch.maximum, tensors),
    "min": lambda *tensors: reduce(torch.minimum, tensors),
    "maxBroadcastable": lambda *tensors: reduce(torch.maximum, tensors),
    "minBroadcastable": lambda *tensors: reduce(torch.minimum, tensors),
    "average": lambda *tensors: reduce(torch.add, tensors) / len(tensors),
}
COMPARISONS = {
    "equal": torch.eq,
    "notEqual": torch.ne,
    "lessThan": torch.lt,
    "lessEqual": torch.le,
    "greaterThan": torch.gt,
    "greaterEqual": torch.ge,
}
UNARY: tuple[Callable[[Tensor, Any], Tensor], ...] = (
    lambda x, _: torch.sqrt(x),
    lambda x, given: torch.rsqrt(x + (given.epsilon or TINY)),
    lambda x, given: torch.reciprocal(x + (given.epsilon or TINY)),
    lambda x, given: torch.pow(x, given.alpha),
    lambda x, _: torch.exp(x),
    lambda x, _: torch.log(x),
    lambda x, _: torch.abs(x),
    lambda x, given: torch.clamp_min(x, given.alpha),
)  # by number: SQRT, RSQRT, INVERSE, POWER, EXP, LOG, ABS, THRESHOLD


@layer("add")
def add(given: Any) -> Compute:
    """The sum of the tensors; of a single one with a number."""
    return lambda x, *others: reduce(torch.add, others, x) if others else x + given.alpha


@layer("multiply")
def multiply(given: Any) -> Compute:
    """The product of the tensors; of a single one with a number."""
    return lambda x, *others: reduce(torch.mul, others, x) if others else x * given.alpha


@layer("unary")
def unary(given: Any) -> Compute:
    """One of eight functions, after the input was scaled and shifted."""
    function, scale = UNARY[given.type], given.scale or 1.0
    return lambda x: function(scale * x + given.shift, given)


@layer("dot")
def dot(given: Any) -> Compute:
    """The dot product along the channels, or the cosine between them."""

    def compute(a: Tensor, b: Tensor) -> Tensor:
        product = (a * b).sum(-3, keepdim=True)
        lengths = a.norm(dim=-3, keepdim=True) * b.norm(dim=-3, keepdim=True)
        return product / lengths if given.cosineSimilarity else product

    return compute


def _comparison(compare: Any) -> Make:
    """Compare two tensors, or one with a number; 1 is true and 0 is false."""
    return lambda given: lambda x, *others: compare(x, *(others or (given.alpha,))).float()


plain({**ONE, **TWO, **MANY})
LAYERS.update({name: _comparison(compare) for name, compare in COMPARISONS.items()})
