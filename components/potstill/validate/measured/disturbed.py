"""Asking a model what it makes of disturbed texts, and of no text at all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from potstill.validate.inputs import TestRows, spread
from potstill.validate.robustness import Disturbed, disturb, tell_robustness

SEED = 0
NOTHING = ""

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """What one model answers.

    Attributes:
        disturbed: for each disturbance (rows,) predicted labels.
        empty: the label of the empty text, and its probability.
    """

    disturbed: tuple[Labels, ...]
    empty: tuple[int, float]


@dataclass(frozen=True)
class Sample:
    """Some of the test rows, and their texts under every disturbance.

    Attributes:
        rows: (sample,) indices into the test rows.
        disturbed: each disturbance of their texts.
    """

    rows: npt.NDArray[np.int64]
    disturbed: Sequence[Disturbed]

    def ask(self, predict: Callable[[list[str]], npt.NDArray[np.float64]]) -> Answers:
        """Ask a model for all of it in one go; predict: texts → (texts, labels) probabilities."""
        texts = [text for each in self.disturbed for text in each.texts]
        found = predict([*texts, NOTHING])
        labels = np.asarray(found[:-1].argmax(axis=1), dtype=np.int64)
        return Answers(tuple(np.split(labels, len(self.disturbed))), (int(found[-1].argmax()), float(found[-1].max())))


def sample_of(rows: TestRows, count: int) -> Sample | None:
    """Disturb `count` of the test rows, evenly spaced; None: none are asked for."""
    if not count:
        return None
    chosen = spread(len(rows.texts), count)
    return Sample(chosen, disturb([rows.texts[row] for row in chosen], SEED))


def robustness(
    sample: Sample | None, truth: Labels, labels: Sequence[str], clean: dict[str, Labels], asked: dict[str, Answers]
) -> dict[str, Any] | None:
    """Tell what each disturbance costs; None where nobody was asked.

    Args:
        sample: what was asked.
        truth: (rows,) true labels of all test rows.
        labels: their names.
        clean: model → (rows,) labels predicted for all test rows, of the models that were asked.
        asked: model → its answers.
    """
    if sample is None or not asked:
        return None
    return tell_robustness(
        sample.disturbed,
        truth[sample.rows],
        labels,
        {name: predicted[sample.rows] for name, predicted in clean.items()},
        {name: each.disturbed for name, each in asked.items()},
        {name: each.empty for name, each in asked.items()},
        SEED,
    )
