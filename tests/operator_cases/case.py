"""One case: an operator, what it is given, and where its right answer comes from.

A case is built by coremltools' builder with inputs of a package (computed by the interpreter, or by Core ML), and
once more with constants, so that PyMIL's own value inference computes it. Where PyMIL has none, or has a wrong one, a
case brings an oracle: a function of numpy arrays.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from potstill.coreml.quiet import quiet_coremltools

with quiet_coremltools():
    import coremltools as ct
    from coremltools.converters.mil import Builder as mb  # noqa: N813 (so it is called everywhere)
    from coremltools.converters.mil.mil import Function, types

RANDOM = np.random.default_rng(8)
PYMIL = "PyMIL"
MATERIALISED = "PyMIL (materialized_val_inference)"
VERSIONS = (15, 16, 17, 18)
EDGES = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 65504, -65504, 1e-8, 0.5, 1.5, 2.5, -2.5, 1, -1], np.float32)
# How a value of a type is given to a package, whose inputs are float32 and int32 alone.
GIVEN = {"fp32": np.float32, "fp16": np.float32, "int32": np.int32, "bool": np.int32}
HELD = {"fp32": np.float32, "fp16": np.float16, "int32": np.int32, "bool": np.bool_}
TOLERANCE = {"fp32": 2e-6, "fp16": 1e-3, "int32": 0.0, "bool": 0.0}


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        operator: its name in MIL.
        said: what is special about the case.
        build: from variables to one or several results.
        inputs: by name, arrays of type fp32, fp16, int32 or bool.
        since: the first iOS that has the operator, or this form of it.
        until: the last one that has this form.
        oracle: from the inputs, floats as float32, to the results; None: PyMIL's value inference.
        source: what computes the oracle.
        tolerance: relative and absolute; None: that of the inputs' type.
    """

    operator: str
    said: str
    build: Callable[..., Any]
    inputs: Mapping[str, np.ndarray]
    since: int = 15
    until: int = 18
    oracle: Callable[..., Any] | None = None
    source: str = PYMIL
    tolerance: float | None = None

    @property
    def name(self) -> str:
        return f"{self.operator}: {self.said}" if self.said else self.operator

    @property
    def allowed(self) -> float:
        if self.tolerance is not None:
            return self.tolerance
        return max((TOLERANCE[kind(each)] for each in self.inputs.values()), default=2e-6)


def targets(case: Case) -> list[int]:
    """The versions of iOS that a case runs on."""
    return [version for version in VERSIONS if case.since <= version <= case.until]


def kind(array: np.ndarray) -> str:
    """Name of an array's type, as MIL has it."""
    return next(name for name, dtype in HELD.items() if array.dtype == dtype)


def floats(*shape: int, low: float = -3, high: float = 3) -> np.ndarray:
    """Random float32 that are exact in float16."""
    return RANDOM.uniform(low, high, shape).astype(np.float16).astype(np.float32)


def whole(*shape: int, low: int = -9, high: int = 9) -> np.ndarray:
    """Random int32."""
    return RANDOM.integers(low, high, shape).astype(np.int32)


def same(x: Any, value: Any) -> Any:
    """A constant of the type of a variable, since MIL mixes no types."""
    return np.asarray(value).astype(types.nptype_from_builtin(x.dtype)) if np.ndim(value) else _number(x, value)


def _number(x: Any, value: float) -> Any:
    return types.nptype_from_builtin(x.dtype)(value)


def both(operator: str, said: str, build: Callable[..., Any], **rest: Any) -> list[Case]:
    """The case in float32 and in float16."""
    given = {name: np.asarray(rest.pop(name)) for name in list(rest) if isinstance(rest[name], np.ndarray | np.generic)}
    with np.errstate(over="ignore"):  # 65,570 is ∞ as float16: that is what a case may be about
        halves = {name: each.astype(np.float16) if each.dtype == np.float32 else each for name, each in given.items()}
    return [
        Case(operator, said or "float32", build, given, **rest),
        Case(operator, f"{said}, float16" if said else "float16", build, halves, **rest),
    ]


CUBE = floats(2, 3, 4)


def every(operator: str, said: str, build, x: np.ndarray = CUBE, **rest) -> list[Case]:
    """The case with floats of both types, and with integers of the same shape."""
    whole_said = f"{said}, int32" if said else "int32"
    return [
        *both(operator, said, build, x=x, **rest),
        Case(operator, whole_said, build, {"x": (x * 5).astype(np.int32)}, **rest),
    ]


def in_torch(function: Callable[..., Any]) -> dict[str, Any]:
    """An oracle in PyTorch."""

    def oracle(*arrays: np.ndarray) -> Any:
        found = function(*(torch.from_numpy(np.ascontiguousarray(each)) for each in arrays))
        return tuple(each.numpy() for each in found) if isinstance(found, tuple | list) else found.numpy()

    return {"oracle": oracle, "source": "PyTorch"}


def in_numpy(function: Callable[..., Any]) -> dict[str, Any]:
    """An oracle in numpy."""
    return {"oracle": function, "source": "numpy"}


def dense(operator: str, said: str, make, shape: tuple[int, ...], since: int, until: int = 18) -> list[Case]:
    """A constant, added to an input of zeros: bit for bit what coremltools itself decompresses it to.

    Args:
        make: from the float type to the variable that holds the dense constant.
        shape: of the dense constant.
    """

    def build(kind):
        return lambda x: mb.add(x=x, y=make(kind))

    def oracle(kind):
        def materialise(_):
            with Function({}, opset_version=ct.target[f"iOS{since}"]):
                return np.asarray(make(kind).op.materialized_val_inference())

        return materialise

    return [
        Case(
            operator,
            f"{said}, {name}" if said else name,
            build(kind),
            {"x": np.zeros(shape, kind)},
            since,
            until,
            oracle(kind),
            MATERIALISED,
            0.0,
        )
        for name, kind in (("float32", np.float32), ("float16", np.float16))
    ]


def some(low: int, high: int, shape: tuple[int, ...], kind) -> np.ndarray:
    """Random integers of a type of their own."""
    return RANDOM.integers(low, high, shape).astype(kind)
