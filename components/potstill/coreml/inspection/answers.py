"""What two models answer on the same inputs, and how far that is apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from potstill.coreml.model import Model, Output
from potstill.errors import InputError

Inputs = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Answers:
    """One output of both models over all rows.

    Attributes:
        name: of the output.
        rows: on how many inputs both were run.
        equal: share of rows with the same label, or of rows whose arrays are the same, in [0, 1].
        greatest: greatest difference of a number; 0 for labels.
        mean: mean of all differences.
        labels: whether the output is a label.
    """

    name: str
    rows: int
    equal: float
    greatest: float
    mean: float
    labels: bool

    @property
    def same(self) -> bool:
        """Whether no row differs."""
        return self.equal == 1.0


def compare_answers(first: Model, second: Model, rows: Sequence[tuple[Inputs, Inputs]]) -> tuple[Answers, ...]:
    """Run both models on each row, and tell how far their outputs are apart.

    Args:
        first: one model.
        second: the other.
        rows: the inputs of each prediction, for the first and for the second; they differ where lengths do.

    Raises:
        InputError: the models have no output in common.
    """
    names = [name for name in first.outputs if name in second.outputs]
    if not names:
        raise InputError(f"they share no output: {', '.join(first.outputs)} and {', '.join(second.outputs)}")
    found = [(first.predict(one), second.predict(other)) for one, other in rows]
    return tuple(_answers(name, [(one[name], other[name]) for one, other in found]) for name in names)


def _answers(name: str, pairs: Sequence[tuple[Output, Output]]) -> Answers:
    if isinstance(pairs[0][0], str | int):
        equal = float(np.mean([one == other for one, other in pairs]))
        return Answers(name, len(pairs), equal, 0.0, 0.0, labels=True)
    apart = [_apart(_numbers(one), _numbers(other)) for one, other in pairs]
    equal = float(np.mean([not each.any() for each in apart]))
    every = np.concatenate(apart)
    return Answers(name, len(pairs), equal, float(every.max(initial=0)), float(every.mean()), labels=False)


def _numbers(output: Output) -> npt.NDArray[np.float64]:
    if isinstance(output, Mapping):
        return np.array([output[key] for key in sorted(output, key=str)], np.float64)  # type: ignore[index]
    return np.asarray(output, np.float64).reshape(-1)


def _apart(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Absolute differences; where shapes or labels differ, or only one is NaN, they are infinitely far apart."""
    if first.shape != second.shape:
        return np.array([np.inf])
    with np.errstate(invalid="ignore"):
        apart = np.abs(first - second)
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    found: npt.NDArray[np.float64] = np.where(same, 0.0, np.where(np.isnan(apart), np.inf, apart))
    return found
