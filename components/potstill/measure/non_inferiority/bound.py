"""What is lost at most, exactly: no number of rows is too few, and no rate of disagreement too small."""

from functools import lru_cache

import numpy as np

from potstill.errors import InputError, OptionError
from potstill.measure.non_inferiority.chance import chance, rate_range, worst_chance
from potstill.measure.non_inferiority.ordering import Counts, approximate_limit, region, z_of

TURNS = 20  # three or four are taken
NEAR = 1e-7  # relative, of a chance that is no greater than the level


@lru_cache(maxsize=4096)
def loss_at_most(lost: int, gained: int, rows: int, confidence: float = 0.95, order: float | None = None) -> float:
    """Return how much accuracy is lost at most: the exact one-sided upper bound of the loss in accuracy.

    Its level holds for any number of rows, any rate of disagreement, and where no row disagrees; of approximate bounds
    the bootstrap passes a model at a margin of 0.01 in up to every third case where there are 100 rows. It is the
    greatest loss at which counts as good as these, or better, still come with a chance above 1 - confidence, at
    whatever rate of gains. Better are those with a lower adjusted Wald limit of the same confidence; the order of one
    fixed confidence would serve all levels, but at 99.5 % its bounds are up to twice as high.

    Args:
        lost: rows that the reference gets right and this model wrong.
        gained: rows that this model alone gets right.
        rows: all rows, at least 1.
        confidence: level, in [0.5, 1).
        order: the level in whose order counts are better or worse; None: this one.

    Returns: a share of the rows, in [-1, 1]. It is negative where this model is surely better.

    Raises:
        InputError: counts that no rows have.
        OptionError: a confidence out of its range.

    Source: Buehler (1957), Journal of the American Statistical Association 52, 482-493; for paired shares Lloyd and
    Moldovan (2007), Statistics in Medicine 26, 3369-3384, doi:10.1002/sim.2708.
    """
    edge = _as_good(lost, gained, rows, confidence if order is None else order)
    return _bound(edge, gained / rows, 1 - confidence)


def loss_at_least(lost: int, gained: int, rows: int, confidence: float = 0.95) -> float:
    """Return how much accuracy is lost at least: the lower bound that belongs to `loss_at_most`, in [-1, 1]."""
    return -loss_at_most(gained, lost, rows, confidence)


@lru_cache(maxsize=4096)
def non_inferiority_p(lost: int, gained: int, rows: int, margin: float, confidence: float = 0.95) -> float:
    """Return the exact p-value of "this model loses the margin, or more".

    It is at most 1 - confidence where, and only where, `loss_at_most` of that confidence is within the margin.

    Args:
        lost: rows that the reference gets right and this model wrong.
        gained: rows that this model alone gets right.
        rows: all rows, at least 1.
        margin: what may be lost, a share of the rows in (-1, 1).
        confidence: the level in whose order counts are better or worse; to be chosen before they are seen.

    Returns: in [0, 1].

    Raises:
        InputError: counts that no rows have.
        OptionError: a confidence out of its range.
    """
    return worst_chance(_as_good(lost, gained, rows, confidence), margin)[0]


def _as_good(lost: int, gained: int, rows: int, confidence: float) -> Counts:
    """All counts that are as good as those seen, or better."""
    if min(lost, gained) < 0 or rows < max(1, lost + gained):
        raise InputError(f"no rows have these counts: {lost} lost and {gained} gained of {rows}")
    if not 0.5 <= confidence < 1:
        raise OptionError(f"confidence should be in [0.5, 1), got {confidence}")
    z = z_of(confidence)
    return region(float(approximate_limit(lost, gained, rows, z)), rows, z)


def _bound(edge: Counts, rate: float, alpha: float) -> float:
    """Climb from loss to loss at which the chance is alpha for one rate, then from the rate that is worst there.

    None of them is above the bound, as the greatest chance falls in the loss; where no rate is worse, it is reached.
    """
    bound = -1.0
    for _ in range(TURNS):
        bound = _climbed(edge, bound, _place(rate, bound), alpha)
        greatest, rate = worst_chance(edge, bound)
        if greatest <= alpha * (1 + NEAR):
            break
    return bound


def _climbed(edge: Counts, bound: float, place: float, alpha: float) -> float:
    """A loss, not below the bound, where the chance has fallen to alpha; the rate keeps its place in its range."""
    from scipy.optimize import brentq  # noqa: PLC0415 - slow to import, and not in every stage's image

    def above(loss: float) -> float:
        least, most = rate_range(loss)
        return float(chance(edge, loss, np.array([least + place * (most - least)]))[0]) - alpha

    if above(1.0) >= 0:
        return 1.0
    return float(brentq(above, bound, 1.0, xtol=1e-12, rtol=1e-12)) if above(bound) > 0 else bound


def _place(rate: float, loss: float) -> float:
    """Where a rate lies among those that are possible at a loss, in [0, 1]."""
    least, most = rate_range(loss)
    return min(1.0, max(0.0, (rate - least) / (most - least))) if most > least else 0.0
