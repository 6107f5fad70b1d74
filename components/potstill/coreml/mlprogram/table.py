"""The table of operators, and the rules by which the type of a result follows from the types of its inputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from potstill.coreml.mlprogram.types import FLOATS, INTEGERS

Dtypes = Mapping[str, str]  # parameter → declared dtype
Settings = Mapping[str, Any]
TypeRule = Callable[[Dtypes, Settings], str | tuple[str, ...]]
Compute = TypeVar("Compute", bound=Callable[..., Any])


@dataclass(frozen=True)
class Operator:
    """One operator.

    Attributes:
        compute: from tensors (positional) and settings (by keyword) to the result.
        result: the dtype of the result, or of each of several that differ; raises ValueError for inputs that the
            operator does not take.
        exact: it only moves values, so a float16 result needs no rounding.
    """

    compute: Callable[..., Any]
    result: TypeRule
    exact: bool


OPERATORS: dict[str, Operator] = {}


def alike(dtypes: Dtypes, _: Settings) -> str:
    """All inputs and the result share one dtype."""
    if len(set(dtypes.values())) != 1:
        raise ValueError(f"inputs must share a type, got {_said(dtypes)}")
    return next(iter(dtypes.values()))


def compared(dtypes: Dtypes, settings: Settings) -> str:
    """All inputs share one dtype; the result is BOOL."""
    alike(dtypes, settings)
    return "BOOL"


def mixed(dtypes: Dtypes, settings: Settings) -> str:
    """The result has the dtype of the first input; the others share it, or all are floats (from iOS 17 on)."""
    first = next(iter(dtypes.values()))
    return first if all(each in FLOATS for each in dtypes.values()) else alike(dtypes, settings)


def positions(dtypes: Dtypes, settings: Settings) -> str:
    """The result counts: INT32, or what `output_dtype` asks for."""
    del dtypes
    return str(settings.get("output_dtype", "int32")).upper()


def indexed(dtypes: Dtypes, _: Settings) -> str:
    """The result has the dtype of `x` or `data`, and of `updates`; `indices` are integers."""
    if dtypes["indices"] not in INTEGERS:
        raise ValueError(f"indices must be integers, got {_said(dtypes)}")
    return alike({name: dtype for name, dtype in dtypes.items() if name != "indices"}, {})


def selected(dtypes: Dtypes, _: Settings) -> str:
    """`cond` is BOOL; `a`, `b` and the result share one dtype."""
    if dtypes["cond"] != "BOOL" or dtypes["a"] != dtypes["b"]:
        raise ValueError(f"cond must be BOOL and a, b must share a type, got {_said(dtypes)}")
    return dtypes["a"]


def like(parameter: str) -> TypeRule:
    """The result has the dtype of one parameter, whatever the others have."""
    return lambda dtypes, _: dtypes[parameter]


def operator(*names: str, result: TypeRule = alike, exact: bool = False) -> Callable[[Compute], Compute]:
    """Enter a function into the table under the names that packages use."""

    def enter(compute: Compute) -> Compute:
        OPERATORS.update(dict.fromkeys(names, Operator(compute, result, exact)))
        return compute

    return enter


def _said(dtypes: Dtypes) -> str:
    return ", ".join(f"{name} {dtype}" for name, dtype in dtypes.items())
