"""How one model's answers moved from the first report to the second, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from potstill.measure.intervals import paired_bootstrap_counts, wilson
from potstill.measure.non_inferiority import holm_adjusted, loss_at_most, mcnemar_p
from potstill.validate.compare.reading import Report
from potstill.validate.compare.rows import CommonRows

PAIRED, UNPAIRED = "paired", "unpaired"


@dataclass(frozen=True)
class ClassMovement:
    """What moved on the rows of one class.

    Attributes:
        label: the class.
        rows: of it, in both reports.
        lost: rows that only the first release gets right.
        gained: rows that only the second does.
        p: exact McNemar.
        adjusted: the same by Holm over the classes of this model; worse or better is what is at most 1 - confidence.
    """

    label: str
    rows: int
    lost: int
    gained: int
    p: float
    adjusted: float = 1.0

    @property
    def change(self) -> float:
        """Recall of the second, less that of the first; a share, 0 where there is no row."""
        return (self.gained - self.lost) / self.rows if self.rows else 0.0

    def moved(self, alpha: float) -> int:
        """-1 where it is worse by more than luck, 1 where it is better, 0 where neither."""
        return _sign(self.change) if self.adjusted <= alpha else 0


@dataclass(frozen=True)
class Movement:
    """What moved from one model to another.

    Attributes:
        one: name of the model in the first report.
        other: in the second.
        how: "paired" on the rows that both judged, or "unpaired" where there is none.
        rows: rows compared; of the second report where unpaired.
        lost: rows that only the first gets right; None where unpaired.
        gained: rows that only the second does.
        change: accuracy of the second, less that of the first, on these rows; a share.
        low: its interval: paired bootstrap, or Newcombe's where unpaired.
        high: likewise.
        lost_at_most: one-sided upper bound of the loss, exact; None where unpaired.
        agreement: share of rows with the same predicted label; None where unpaired.
        p: exact McNemar; Fisher's exact where unpaired.
        adjusted: of the final models p itself; of the others by Holm among themselves.
        classes: movements of each class; none where unpaired.
    """

    one: str
    other: str
    how: str
    rows: int
    lost: int | None
    gained: int | None
    change: float
    low: float
    high: float
    lost_at_most: float | None
    agreement: float | None
    p: float
    adjusted: float = 1.0
    classes: tuple[ClassMovement, ...] = ()

    def moved(self, alpha: float) -> int:
        """-1 where it is worse by more than luck, 1 where it is better, 0 where neither."""
        return _sign(self.change) if self.adjusted <= alpha else 0


def movements(first: Report, second: Report, common: CommonRows, confidence: float) -> tuple[Movement, ...]:
    """Compare each model that both have, and the final ones.

    The final models are what is asked about, so their p-value stands as it is; those of all others are by Holm among
    themselves. Were all in one family, a dozen near copies of one model would hide what happened to it.
    """
    found = [_movement(first, second, pair, common, confidence) for pair in pairs(first, second)]
    final, *others = (each.p for each in found)
    adjusted = (final, *holm_adjusted(others))
    return tuple(replace(each, adjusted=p) for each, p in zip(found, adjusted, strict=True))


def pairs(first: Report, second: Report) -> list[tuple[str, str]]:
    """Name what is compared with what: first the final models, then all others by name."""
    final = (first.final, second.final)
    return [final, *((name, name) for name in first.models if name in second.models and (name, name) != final)]


def _movement(first: Report, second: Report, pair: tuple[str, str], common: CommonRows, confidence: float) -> Movement:
    one, other = pair
    if len(common) and first.has_predictions(one) and second.has_predictions(other):
        return _paired(first, second, pair, common, confidence)
    return _unpaired(first, second, pair, confidence)


def _paired(first: Report, second: Report, pair: tuple[str, str], common: CommonRows, confidence: float) -> Movement:
    truth = first.named("label")[common.one]
    before, after = first.named(pair[0])[common.one], second.named(pair[1])[common.other]
    lost, gained = (before == truth) & (after != truth), (before != truth) & (after == truth)
    b, c, rows = int(lost.sum()), int(gained.sum()), len(common)
    return Movement(
        *pair,
        PAIRED,
        rows,
        b,
        c,
        (c - b) / rows,
        *paired_bootstrap_counts(c, b, rows, confidence),
        loss_at_most(b, c, rows, confidence),
        float(np.mean(before == after)),
        mcnemar_p(b, c),
        classes=_classes([(name, lost[truth == name], gained[truth == name]) for name in first.labels]),
    )


def _classes(found: Sequence[tuple[str, np.ndarray, np.ndarray]]) -> tuple[ClassMovement, ...]:
    counts = [(name, len(lost), int(lost.sum()), int(gained.sum())) for name, lost, gained in found]
    p_values = [mcnemar_p(lost, gained) for _, _, lost, gained in counts]
    adjusted = holm_adjusted(p_values)
    return tuple(ClassMovement(*each, *ps) for each, *ps in zip(counts, p_values, adjusted, strict=True))


def _unpaired(first: Report, second: Report, pair: tuple[str, str], confidence: float) -> Movement:
    """Compare the shares alone, as of rows that have nothing to do with each other."""
    from scipy.stats import fisher_exact  # noqa: PLC0415 - slow to import

    rows = (int(first.summary["rows"]), int(second.summary["rows"]))
    shares = (float(first.models[pair[0]]["accuracy"]), float(second.models[pair[1]]["accuracy"]))
    right = [round(share * number) for share, number in zip(shares, rows, strict=True)]
    table = [[hit, number - hit] for hit, number in zip(right, rows, strict=True)]
    low, high = newcombe((right[1], rows[1]), (right[0], rows[0]), confidence)
    p = float(fisher_exact(table).pvalue)
    return Movement(*pair, UNPAIRED, rows[1], None, None, shares[1] - shares[0], low, high, None, None, p)


def _sign(change: float) -> int:
    return (change > 0) - (change < 0)


def newcombe(one: tuple[int, int], other: tuple[int, int], confidence: float) -> tuple[float, float]:
    """Return the interval of the difference of two independent shares, from the score interval of either.

    Args:
        one: rows right, and rows, of the one.
        other: of the other.
        confidence: level, in (0, 1).

    Returns: lower and upper bound of share(one) - share(other), in [-1, 1].

    Source: Newcombe (1998), Statistics in Medicine 17, 873-890, method 10.
    """
    (low, high), (other_low, other_high) = wilson(*one, confidence), wilson(*other, confidence)
    share, base = one[0] / one[1], other[0] / other[1]
    below = ((share - low) ** 2 + (other_high - base) ** 2) ** 0.5
    above = ((high - share) ** 2 + (base - other_low) ** 2) ** 0.5
    return share - base - below, share - base + above
