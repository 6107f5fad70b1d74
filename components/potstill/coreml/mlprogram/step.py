"""One step of a prepared program: compute, round, check against what the package declares, keep."""

from collections.abc import Callable
from typing import Any

import torch

from potstill.coreml.mlprogram.binding import Bound
from potstill.coreml.mlprogram.types import MEMORY, TensorType
from potstill.errors import InputError

Values = list[Any]  # by slot
Step = Callable[[Values], None]
FAILURES = (ValueError, IndexError, RuntimeError)  # what torch and the operators raise for inputs they do not take


def tensor_step(bound: Bound, declared: TensorType, target: int, place: str) -> Step:
    """Make the step of an operation with one tensor as its result.

    Args:
        bound: the operation.
        declared: type and shape that the package declares for the result.
        target: where the result is kept.
        place: where the operation stands, for errors.

    Raises:
        InputError: the operator gives another type than the package declares. The step itself raises it where the
            operator fails or gives another shape.
    """
    if bound.dtype != declared.dtype:
        raise InputError(f"{place}: declared is {declared.dtype}, the operator gives {bound.dtype}")
    compute, slots, shape, held = bound.compute, bound.slots, declared.shape, MEMORY[declared.dtype]
    rounded = declared.dtype == "FLOAT16" and not bound.exact

    def step(values: Values) -> None:
        try:
            result = compute(*[values[slot] for slot in slots])
        except FAILURES as failure:
            raise InputError(f"{place}: {failure}") from failure
        if rounded:
            result = result.half().float()
        if result.shape != shape or result.dtype is not held:
            raise InputError(f"{place}: declared is {shape} in {held}, got {tuple(result.shape)} in {result.dtype}")
        values[target] = result

    return step


def classifier_step(bound: Bound, targets: list[int], place: str) -> Step:
    """Make the step of an operation with several results that are no tensors: a label and its probabilities."""

    def step(values: Values) -> None:
        try:
            results = bound.compute(*[values[slot] for slot in bound.slots])
        except FAILURES as failure:
            raise InputError(f"{place}: {failure}") from failure
        for target, result in zip(targets, results, strict=True):
            values[target] = result

    return step


def round_to(value: torch.Tensor, declared: TensorType) -> torch.Tensor:
    """Hold a tensor as its declared type is held, rounded where that is float16."""
    return value.half().float() if declared.dtype == "FLOAT16" else value.to(MEMORY[declared.dtype])
