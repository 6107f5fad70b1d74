"""How sure a share is: intervals of an accuracy, and of two models' difference, measured on finitely many rows."""

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from potstill.measure.non_inferiority.bound import loss_at_most


def wilson(right: int, rows: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the score interval of a share: it keeps its level near 0 and 1, where ± 1.96 standard errors does not.

    Args:
        right: rows predicted rightly, in [0, rows].
        rows: rows in all, at least 1.
        confidence: level, in (0, 1).

    Returns: lower and upper bound, in [0, 1].

    Source: Wilson (1927), Journal of the American Statistical Association 22, 209-212, in the form of
    Brown, Cai and DasGupta (2001), doi:10.1214/ss/1009213286, equation 4.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = right / rows
    middle = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z / (1 + z**2 / rows) * (share * (1 - share) / rows + z**2 / (4 * rows**2)) ** 0.5
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))  # at 0 and 1 rounding may pass them


def paired_bootstrap(
    one_right: npt.NDArray[np.bool_],
    other_right: npt.NDArray[np.bool_],
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the interval of accuracy(one) - accuracy(other): pairing takes out what is merely hard about the rows.

    A row's difference is -1, 0 or 1, so drawing rows with replacement is drawing the three counts at once from their
    multinomial distribution: the same bootstrap, without touching a row.

    Args:
        one_right: (rows,) where the one model was right; at least one row.
        other_right: (rows,) the same rows, the other model.
        confidence: level, in (0, 1).
        resamples: draws, at least 1; a bound's Monte-Carlo error falls as their root.
        seed: of the draws.

    Returns: lower and upper bound, in [-1, 1]; (0, 0) where the models are right on the same rows.

    Source: percentile interval of Efron and Tibshirani (1993), An Introduction to the Bootstrap, section 13.3; paired
    over test rows as in Koehn (2004), Statistical Significance Tests for Machine Translation Evaluation, EMNLP.
    """
    better, worse = np.count_nonzero(one_right & ~other_right), np.count_nonzero(other_right & ~one_right)
    return paired_bootstrap_counts(int(better), int(worse), len(one_right), confidence, resamples, seed)


def paired_bootstrap_counts(
    better: int, worse: int, rows: int, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Return the interval of `paired_bootstrap` from counts: rows that the one model alone, and the other alone, gets.

    Args:
        better: rows that the one model alone gets right.
        worse: rows that the other alone does.
        rows: all rows, at least 1.
        confidence: level, in (0, 1).
        resamples: draws, at least 1.
        seed: of the draws.

    Returns: lower and upper bound of (better - worse) / rows, in [-1, 1].
    """
    dice = np.random.Generator(np.random.PCG64(seed))
    drawn = dice.multinomial(rows, np.array([better, worse, rows - better - worse]) / rows, size=resamples)
    tail = (1 - confidence) / 2
    low, high = np.quantile((drawn[:, 0] - drawn[:, 1]) / rows, [tail, 1 - tail])
    return float(low), float(high)


def paired_loss_bound(before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_], confidence: float = 0.95) -> float:
    """Return how much accuracy is lost at most: the one-sided upper bound of accuracy(before) - accuracy(after).

    It is exact, so it keeps its level for few rows, too, and where the two are right on the same rows: there the
    bootstrap finds nothing that could vary, and would call any number of rows enough.

    Args:
        before: (rows,) where the one model was right; at least one row.
        after: (rows,) the same rows, the other model.
        confidence: level, in [0.5, 1).

    Returns: the bound, in [-1, 1]. It is negative where the other model is surely better.

    Source: `non_inferiority.loss_at_most`.
    """
    lost, gained = np.count_nonzero(before & ~after), np.count_nonzero(after & ~before)
    return loss_at_most(int(lost), int(gained), len(before), confidence)
