"""Binding an operation of a package to the function that computes it: which tensors, which settings, which result."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import Parameter, signature
from typing import Any

import torch

from potstill.coreml.mlprogram.operators import OPERATORS
from potstill.coreml.mlprogram.types import TensorType
from potstill.errors import InputError

NOTHING = 0  # the slot of an optional tensor that a package leaves out; it holds None


@dataclass(frozen=True)
class Argument:
    """Something that an operation reads.

    Attributes:
        type: its declared type; None for a list of texts.
        slot: where the program keeps it.
        constant: its value; None where it is computed while the program runs.
    """

    type: TensorType | None
    slot: int
    constant: Any = None


Arguments = Mapping[str, Sequence[Argument]]  # by parameter; more than one only where it takes a list of tensors


@dataclass(frozen=True)
class Bound:
    """An operation made ready to run.

    Attributes:
        compute: takes the tensors at `slots`, in order, and nothing else.
        slots: where the program keeps them.
        dtype: the dtype that the result has.
        exact: the operator only moves values, so nothing is to be rounded.
        constant: all inputs are constant, so it is computed once.
    """

    compute: Callable[..., Any]
    slots: tuple[int, ...]
    dtype: str
    exact: bool
    constant: bool


def bind(name: str, arguments: Arguments, place: str) -> Bound:
    """Find an operator and give each argument to its parameter.

    Args:
        name: what the package calls the operator.
        arguments: what it binds.
        place: where the operation stands, for errors.

    Raises:
        InputError: the operator or a parameter is not known, or the operator does not take such inputs.
    """
    if name not in OPERATORS:
        raise InputError(f"{place}: operator {name} is not known; known are: {', '.join(sorted(OPERATORS))}")
    operator = OPERATORS[name]
    parameters = signature(operator.compute).parameters
    _require_known(parameters, arguments, place)
    settings = {
        each: _setting(arguments[each], each, place)
        for each, parameter in parameters.items()
        if parameter.kind is Parameter.KEYWORD_ONLY and each in arguments
    }
    tensors = _tensors(parameters, arguments)
    given = {label: each for label, each in tensors.items() if each is not None}
    try:
        dtype = operator.result({label: each.type.dtype for label, each in given.items() if each.type}, settings)
    except ValueError as refused:
        raise InputError(f"{place}: {refused}") from refused
    return Bound(
        compute=partial(operator.compute, **settings) if settings else operator.compute,
        slots=tuple(NOTHING if each is None else each.slot for each in tensors.values()),
        dtype=dtype,
        exact=operator.exact,
        constant=all(each.constant is not None for each in given.values()),
    )


def _require_known(parameters: Mapping[str, Parameter], arguments: Arguments, place: str) -> None:
    strange = sorted(arguments.keys() - parameters.keys())
    missing = [
        name
        for name, parameter in parameters.items()
        if name not in arguments
        and parameter.default is Parameter.empty
        and parameter.kind is not Parameter.VAR_POSITIONAL
    ]
    if strange or missing:
        said = [f"{name} is not known" for name in strange] + [f"{name} is missing" for name in missing]
        raise InputError(f"{place}: {', '.join(said)}; parameters are: {', '.join(parameters)}")


def _tensors(parameters: Mapping[str, Parameter], arguments: Arguments) -> dict[str, Argument | None]:
    """The tensors in the order in which the function takes them, each under a label of its own."""
    tensors: dict[str, Argument | None] = {}
    for name, parameter in parameters.items():
        bound = arguments.get(name, ())
        if parameter.kind is Parameter.VAR_POSITIONAL:
            tensors |= {f"{name}[{index}]": each for index, each in enumerate(bound)}
        elif parameter.kind is not Parameter.KEYWORD_ONLY:
            tensors[name] = bound[0] if bound else None
    return tensors


def _setting(bound: Sequence[Argument], name: str, place: str) -> Any:
    value = bound[0].constant
    if value is None:
        raise InputError(f"{place}: {name} is computed while the program runs; only a constant is executed")
    return value.tolist() if isinstance(value, torch.Tensor) else value
