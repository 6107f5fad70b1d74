"""Comparisons, logic, and the choice between two values."""

from collections.abc import Callable

import torch
from torch import Tensor

from potstill.coreml.mlprogram.operators.arithmetic import of_one, of_two
from potstill.coreml.mlprogram.table import compared, operator, selected

COMPARED: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "equal": torch.eq,
    "not_equal": torch.ne,
    "greater": torch.gt,
    "greater_equal": torch.ge,
    "less": torch.lt,
    "less_equal": torch.le,
    "logical_and": torch.logical_and,
    "logical_or": torch.logical_or,
    "logical_xor": torch.logical_xor,
}

for _name, _function in COMPARED.items():
    operator(_name, result=compared)(of_two(_function))
operator("logical_not", result=compared)(of_one(torch.logical_not))


@operator("select", result=selected, exact=True)
def select(cond: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Take a where cond holds, else b."""
    return torch.where(cond, a, b)
