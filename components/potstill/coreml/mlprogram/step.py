"""One step of a prepared program: compute, round, check against what the package declares, keep."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from potstill.coreml.damage import FAILURES, line
from potstill.coreml.mlprogram.argument import Argument
from potstill.coreml.mlprogram.binding import Bound
from potstill.coreml.mlprogram.types import MEMORY, TensorType
from potstill.errors import InputError

Values = list[Any]  # by slot
Step = Callable[[Values], None]


def make_step(bound: Bound, results: Sequence[Argument], place: str) -> Step:
    """Make the step of an operation.

    Args:
        bound: the operation.
        results: what the package declares of its results, and where each is kept.
        place: where the operation stands, for errors.

    Raises:
        InputError: the operator gives another type than the package declares. The step itself raises it where the
            operator fails or gives another shape.
    """
    if any(each.type is None for each in results):
        return _classifier_step(bound, [each.slot for each in results], place)
    dtypes = (bound.dtypes,) * len(results) if isinstance(bound.dtypes, str) else bound.dtypes
    declared = tuple(each.type.dtype for each in results if each.type)
    if dtypes != declared:
        raise InputError(f"{place}: declared is {', '.join(declared)}, the operator gives {', '.join(dtypes)}")
    if len(results) == 1 and isinstance(bound.dtypes, str):
        return _tensor_step(bound, results[0], place)
    return _tensors_step(bound, results, place)


def _tensor_step(bound: Bound, target: Argument, place: str) -> Step:
    assert target.type is not None
    compute, slots, slot = bound.compute, bound.slots, target.slot
    shape, held = target.type.shape, MEMORY[target.type.dtype]
    rounded = target.type.dtype == "FLOAT16" and not bound.exact
    flexible = target.type if None in shape else None

    def step(values: Values) -> None:
        try:
            result = compute(*[values[each] for each in slots])
        except FAILURES as failure:
            raise InputError(f"{place}: {line(failure)}") from failure
        if rounded:
            result = result.half().float()
        fits = result.shape == shape if flexible is None else flexible.fits(result.shape)
        if not fits or result.dtype is not held:
            raise InputError(_differs(place, shape, held, result))
        values[slot] = result

    return step


def _tensors_step(bound: Bound, targets: Sequence[Argument], place: str) -> Step:
    """The step of an operation with several tensors as its results, such as a split."""
    compute, slots = bound.compute, bound.slots

    def step(values: Values) -> None:
        try:
            results = compute(*[values[each] for each in slots])
        except FAILURES as failure:
            raise InputError(f"{place}: {line(failure)}") from failure
        results = results if isinstance(results, tuple) else (results,)
        if len(results) != len(targets):
            raise InputError(f"{place}: declared are {len(targets)} results, the operator gives {len(results)}")
        for target, result in zip(targets, results, strict=True):
            values[target.slot] = settled(result, target, bound.exact, place)

    return step


def settled(result: torch.Tensor, target: Argument, exact: bool, place: str) -> torch.Tensor:
    """Round a result to its declared type and check it against it.

    Raises:
        InputError: it has another shape or is held otherwise.
    """
    assert target.type is not None
    held = MEMORY[target.type.dtype]
    if target.type.dtype == "FLOAT16" and not exact:
        result = result.half().float()
    if not target.type.fits(result.shape) or result.dtype is not held:
        raise InputError(_differs(place, target.type.shape, held, result))
    return result


def _classifier_step(bound: Bound, targets: list[int], place: str) -> Step:
    """The step of an operation with several results that are no tensors: a label and its probabilities."""

    def step(values: Values) -> None:
        try:
            results = bound.compute(*[values[each] for each in bound.slots])
        except FAILURES as failure:
            raise InputError(f"{place}: {line(failure)}") from failure
        for target, result in zip(targets, results, strict=True):
            values[target] = result

    return step


def round_to(value: torch.Tensor, declared: TensorType) -> torch.Tensor:
    """Hold a tensor as its declared type is held, rounded where that is float16."""
    return value.half().float() if declared.dtype == "FLOAT16" else value.to(MEMORY[declared.dtype])


def _differs(place: str, shape: Sequence[int | None], held: torch.dtype, result: torch.Tensor) -> str:
    said = tuple("any" if length is None else length for length in shape)
    return f"{place}: declared is {said} in {held}, got {tuple(result.shape)} in {result.dtype}"
