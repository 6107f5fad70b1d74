"""The verdict on a loss: within the margin, beyond it, or not to be told on so few rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from potstill.measure.non_inferiority.bound import loss_at_most, non_inferiority_p
from potstill.measure.non_inferiority.holm import holm_levels
from potstill.measure.non_inferiority.rows_wanted import rows_to_decide

PASS, FAIL, INCONCLUSIVE = "pass", "fail", "inconclusive"

Counts = tuple[int, int, int]  # lost, gained, rows


@dataclass(frozen=True)
class LossVerdict:
    """What is known of a loss.

    Attributes:
        verdict: "pass": surely within the margin; "fail": surely beyond it; "inconclusive": neither.
        counts: rows lost, rows gained, all rows.
        margin: what may be lost, a share of the rows.
        p: of the hypothesis that the margin is lost, or more: the greater, the worse.
        level: confidence that it was held to.
        order: confidence in whose order counts are better or worse: one for all classes that are judged together.
    """

    verdict: str
    counts: Counts
    margin: float
    p: float
    level: float
    order: float

    @property
    def lost(self) -> float:
        """The loss as seen, a share of the rows; negative where more was gained, 0 without rows."""
        lost, gained, rows = self.counts
        return (lost - gained) / rows if rows else 0.0

    @property
    def at_most(self) -> float:
        """Its one-sided upper bound; 1 without rows."""
        return loss_at_most(*self.counts, self.level, self.order) if self.counts[2] else 1.0

    @property
    def rows_wanted(self) -> int | None:
        """How many rows would decide, at the same rates; None where it is decided, or no number would."""
        if self.verdict != INCONCLUSIVE or not self.counts[2]:
            return None
        return rows_to_decide(*self.counts, self.margin, self.level)


def judge_loss(lost: int, gained: int, rows: int, margin: float, confidence: float = 0.95) -> LossVerdict:
    """Judge a model's loss against a margin.

    Args:
        lost: rows that the reference gets right and this model wrong.
        gained: rows that this model alone gets right.
        rows: all rows; without one, nothing is known.
        margin: what may be lost, a share of the rows.
        confidence: of either bound: a model that loses the margin passes by luck with a chance of 1 - confidence, at
            most, and one that does not lose it fails with no greater one.
    """
    return judge_classes([(lost, gained, rows)], margin, confidence)[0]


def judge_classes(counts: Sequence[Counts], margin: float, confidence: float = 0.95) -> list[LossVerdict]:
    """Judge the loss of each class, so that all verdicts "pass" hold together with the confidence, and so all "fail".

    Holm's step-down over exact p-values: with k classes the surest is held to 1 - (1 - confidence) / k, the next to the
    level of one class less, and so on. What makes counts better or worse is settled for all of them beforehand, by the
    first of these levels. A class without rows is inconclusive, and no other pays for it.

    Args:
        counts: of each class, rows lost, rows gained, and all rows.
        margin: what each class may lose, a share of its rows.
        confidence: that no class passes wrongly; and that none fails wrongly.

    Returns: a verdict of each class, at the level that it was held to.

    Source: Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """
    alpha, several = 1 - confidence, max(1, sum(1 for _, _, rows in counts if rows))
    order = 1 - alpha / several
    passing = [_p(each, margin, order) for each in counts]
    failing = [_p((gained, lost, rows), -margin, order) for lost, gained, rows in counts]
    levels, fails = _levels(counts, passing, alpha), _levels(counts, failing, alpha)
    return [
        LossVerdict(_verdict(p, level, other, least), each, margin, p, 1 - level, order)
        for each, p, level, other, least in zip(counts, passing, levels, failing, fails, strict=True)
    ]


def _p(counts: Counts, margin: float, order: float) -> float:
    """The p-value; where the loss that was seen is the margin or more it need not be known: nothing rejects it."""
    lost, gained, rows = counts
    return non_inferiority_p(*counts, margin, order) if rows and lost - gained < margin * rows else 1.0


def _levels(counts: Sequence[Counts], p_values: Sequence[float], alpha: float) -> list[float]:
    """Holm's level of each class that has rows."""
    known = [place for place, (_, _, rows) in enumerate(counts) if rows]
    found = dict(zip(known, holm_levels([p_values[place] for place in known], alpha), strict=True))
    return [found.get(place, alpha) for place in range(len(counts))]


def _verdict(passing: float, level: float, failing: float, least: float) -> str:
    """Pass and fail exclude each other: either hypothesis is rejected on its own side of the margin alone."""
    return PASS if passing <= level else FAIL if failing <= least else INCONCLUSIVE
