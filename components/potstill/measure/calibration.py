"""Whether a model's probabilities can be believed: expected calibration error, Brier score, the reliability picture."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import brier_score_loss

from potstill.measure.quality import Labels

BINS = 15

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Bin:
    """The rows whose most probable label has a probability in (low, high].

    Attributes:
        low: lower end, in [0, 1).
        high: upper end.
        rows: how many.
        confidence: their mean probability of the predicted label; None without rows.
        accuracy: share of them predicted rightly; likewise.
    """

    low: float
    high: float
    rows: int
    confidence: float | None
    accuracy: float | None

    @property
    def gap(self) -> float:
        """How far the two are apart; 0 without rows."""
        return 0.0 if self.confidence is None or self.accuracy is None else abs(self.confidence - self.accuracy)


@dataclass(frozen=True)
class Calibration:
    """How far probabilities are from what comes true.

    Attributes:
        ece: expected calibration error in [0, 1]: |confidence - accuracy|, averaged over the rows by their bins.
        brier: mean squared distance of the probabilities from the truth, over all labels: 0 is best, 2 is worst.
        reliability: BINS bins of equal width.
    """

    ece: float
    brier: float
    reliability: tuple[Bin, ...]


def judge_calibration(truth: Labels, probabilities: Probabilities) -> Calibration:
    """Compare what a model says of its sureness with how often it is right.

    Args:
        truth: (rows,) labels in [0, labels).
        probabilities: (rows, labels), each row summing to 1.

    Source: Guo et al. (2017), On Calibration of Modern Neural Networks, arXiv:1706.04599, equation 3, of the predicted
    label alone; Brier (1950), Verification of forecasts expressed in terms of probability, Monthly Weather Review 78.
    """
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    edges = np.linspace(0, 1, BINS + 1)
    places = np.clip(np.ceil(sure * BINS) - 1, 0, BINS - 1)
    bins = tuple(
        _bin(float(edges[place]), float(edges[place + 1]), sure[places == place], right[places == place])
        for place in range(BINS)
    )
    ece = sum(each.rows * each.gap for each in bins) / len(truth)
    brier = brier_score_loss(truth, probabilities, labels=range(probabilities.shape[1]), scale_by_half=False)
    return Calibration(float(ece), float(brier), bins)


def _bin(low: float, high: float, sure: Probabilities, right: npt.NDArray[np.bool_]) -> Bin:
    if not len(sure):
        return Bin(low, high, 0, None, None)
    return Bin(low, high, len(sure), float(sure.mean()), float(right.mean()))
