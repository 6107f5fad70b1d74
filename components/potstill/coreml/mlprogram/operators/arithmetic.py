"""Entry by entry: sums, products, powers, roots, what is above or below."""

from collections.abc import Callable

import torch
from torch import Tensor

from potstill.coreml.mlprogram.table import mixed, operator

ONE: dict[str, Callable[[Tensor], Tensor]] = {
    "abs": torch.abs,
    "acos": torch.acos,
    "asin": torch.asin,
    "atan": torch.atan,
    "atanh": torch.atanh,
    "ceil": torch.ceil,
    "cos": torch.cos,
    "cosh": torch.cosh,
    "erf": torch.erf,
    "exp": torch.exp,
    "exp2": torch.exp2,
    "floor": torch.floor,
    "round": torch.round,
    "sin": torch.sin,
    "sinh": torch.sinh,
    "sqrt": torch.sqrt,
    "square": torch.square,
    "tan": torch.tan,
    "tanh": torch.tanh,
}
TWO: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "floor_div": torch.floor_divide,
    "mod": torch.remainder,  # has the sign of the divisor
    "pow": torch.pow,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
}


def of_one(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Give a function of torch the name of its parameter in MIL."""

    def compute(x: Tensor) -> Tensor:
        return function(x)

    return compute


def of_two(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """Likewise, of two parameters that are broadcast."""

    def compute(x: Tensor, y: Tensor) -> Tensor:
        return function(x, y)

    return compute


for _name, _one in ONE.items():
    operator(_name)(of_one(_one))
for _name, _two in TWO.items():
    operator(_name)(of_two(_two))


@operator("real_div")
def real_div(x: Tensor, y: Tensor) -> Tensor:
    """Quotient: x / y; of integers, without what is left over."""
    return x / y if x.is_floating_point() else torch.div(x, y, rounding_mode="trunc")


@operator("sign")
def sign(x: Tensor) -> Tensor:
    """−1, 0 or 1; NaN stays."""
    found = torch.sign(x)
    return torch.where(torch.isnan(x), x, found) if x.is_floating_point() else found


@operator("inverse", result=mixed)
def inverse(x: Tensor, *, epsilon: float = 1e-4) -> Tensor:
    """1 / (x + epsilon)."""
    return torch.reciprocal(x + epsilon)


@operator("log", result=mixed)
def log(x: Tensor, *, epsilon: float = 1e-45) -> Tensor:
    """Natural logarithm of x + epsilon."""
    return torch.log(x + epsilon)


@operator("rsqrt", result=mixed)
def rsqrt(x: Tensor, *, epsilon: float = 1e-12) -> Tensor:
    """1 / √(x + epsilon)."""
    return torch.rsqrt(x + epsilon)


@operator("clip", result=mixed)
def clip(x: Tensor, *, alpha: float, beta: float) -> Tensor:
    """x, but at least alpha and at most beta."""
    return torch.clamp(x, alpha, beta)


@operator("threshold", result=mixed)
def threshold(x: Tensor, *, alpha: float) -> Tensor:
    """x, but at least alpha."""
    return torch.clamp(x, min=alpha)
