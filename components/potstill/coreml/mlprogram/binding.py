"""Binding an operation of a package to the function that computes it: which tensors, which settings, which results."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import Parameter, signature
from typing import Any

import torch

from potstill.coreml.mlprogram.argument import Argument, Arguments
from potstill.coreml.mlprogram.operators import OPERATORS
from potstill.coreml.mlprogram.table import Operator
from potstill.errors import InputError

NOTHING = 0  # the slot of an optional tensor that a package leaves out; it holds None


@dataclass(frozen=True)
class Bound:
    """An operation made ready to run.

    Attributes:
        compute: takes the values at `slots`, in order, and nothing else.
        slots: where the program keeps them.
        tensors: the tensors among what it reads; settings are not.
        dtypes: the dtype that each result has; one dtype alone is that of all results.
        exact: the operator only moves values, so nothing is to be rounded.
        constant: all inputs are constant, so it is computed once.
    """

    compute: Callable[..., Any]
    slots: tuple[int, ...]
    tensors: tuple[Argument, ...]
    dtypes: str | tuple[str, ...]
    exact: bool
    constant: bool


def bind(name: str, arguments: Arguments, place: str) -> Bound:
    """Find an operator and give each argument to its parameter.

    A setting is mostly a constant, and given once. One that is computed while the program runs, such as the shape of a
    reshape in a program of flexible length, is read each time.

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
    tensors = _tensors(parameters, arguments)
    given = tuple(each for each in tensors.values() if each is not None)
    fixed, computed = _settings(parameters, arguments)
    compute = partial(operator.compute, **fixed) if fixed else operator.compute
    slots = (*(NOTHING if each is None else each.slot for each in tensors.values()), *(computed.values()))
    return Bound(
        compute=_reading(compute, len(tensors), tuple(computed)) if computed else compute,
        slots=slots,
        tensors=given,
        dtypes=_dtypes(operator, tensors, fixed, place),
        exact=operator.exact,
        constant=not computed and all(each.constant is not None for each in given),
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


def _settings(parameters: Mapping[str, Parameter], arguments: Arguments) -> tuple[dict[str, Any], dict[str, int]]:
    """The values of the constant settings, and the slots of those that are computed, by name."""
    bound = {
        name: arguments[name][0]
        for name, parameter in parameters.items()
        if parameter.kind is Parameter.KEYWORD_ONLY and name in arguments
    }
    fixed = {name: plain(each.constant) for name, each in bound.items() if each.constant is not None}
    return fixed, {name: each.slot for name, each in bound.items() if each.constant is None}


def plain(value: Any) -> Any:
    """Turn a tensor into a Python number, or a list of them; leave texts as they are."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.tolist() if isinstance(value, torch.Tensor) else value


def _reading(compute: Callable[..., Any], tensors: int, names: Sequence[str]) -> Callable[..., Any]:
    """Give the values that stand behind the tensors to the settings of these names."""

    def read_and_compute(*values: Any) -> Any:
        settings = {name: plain(value) for name, value in zip(names, values[tensors:], strict=True)}
        return compute(*values[:tensors], **settings)

    return read_and_compute


def _dtypes(
    operator: Operator, tensors: Mapping[str, Argument | None], settings: Mapping[str, Any], place: str
) -> str | tuple[str, ...]:
    declared = {label: each.type.dtype for label, each in tensors.items() if each and each.type}
    try:
        return operator.result(declared, settings)
    except (ValueError, LookupError, StopIteration) as refused:
        raise InputError(f"{place}: {refused or 'inputs are missing'}") from refused
