"""The floor: how much accuracy a model loses at most, judged on the same rows as the model that it was made of."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from transformers import PreTrainedModel

from potstill.data.tokens import TokenTable
from potstill.errors import OptionError
from potstill.measure.intervals import paired_loss_bound
from potstill.measure.torch_session import predict_torch
from potstill.training.scoring import right


@dataclass(frozen=True)
class Judgement:
    """What a model lost against the start.

    Attributes:
        accuracy: in [0, 1].
        lost: points of accuracy lost; below 0 where it gained.
        lost_at_most: their one-sided upper bound.
        above_floor: whether that is within what may be lost.
    """

    accuracy: float
    lost: float
    lost_at_most: float
    above_floor: bool


@dataclass(frozen=True)
class Floor:
    """What may be lost, on which rows.

    Attributes:
        logits: (rows, labels) of the start.
        before: (rows,) where they are right.
        table: the same rows, as the judged models read them.
        points: that may be lost.
        confidence: level of the bound.
    """

    logits: npt.NDArray[np.float32]
    before: npt.NDArray[np.bool_]
    table: TokenTable
    points: float
    confidence: float

    def judge(self, model: PreTrainedModel) -> Judgement:
        """Run a model over the rows, and compare it with the start row by row."""
        logits = predict_torch(model, self.table)
        if np.array_equal(logits, self.logits):  # nothing is lost, on these rows or others
            return self.start
        after = right(logits, self.table)
        lost = 100 * float(self.before.mean() - after.mean())
        at_most = 100 * paired_loss_bound(self.before, after, self.confidence)
        return Judgement(float(after.mean()), lost, at_most, at_most <= self.points)

    @property
    def start(self) -> Judgement:
        """What the start loses against itself."""
        return Judgement(float(self.before.mean()), 0.0, 0.0, above_floor=True)


def refuse_few_rows(rows: int, points: float, confidence: float) -> None:
    """Refuse a floor that so few rows cannot show, even where nothing is lost.

    Args:
        rows: validation rows.
        points: that may be lost.
        confidence: level of the bound.

    Raises:
        OptionError: every round would be below the floor.
    """
    if not points:
        raise OptionError("max_accuracy_drop must be above 0, got 0: no number of rows can show that nothing is lost")
    equal = np.ones(rows, np.bool_)
    least = 100 * paired_loss_bound(equal, equal, confidence)
    if least > points:
        raise OptionError(
            f"{rows} validation rows cannot show that at most {points:g} points are lost: even where nothing is, the "
            f"bound is {least:.2f}; tokenize with a greater --validation-share, or pass --max-accuracy-drop "
            f"{math.ceil(10 * least) / 10:g} or more"
        )
