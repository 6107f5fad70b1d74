"""Which counts speak more for the smaller model than those that were seen: the order that the exact bound builds on."""

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]

GREATEST_Z = 3.9  # from 4 on, the ordering falls in `lost` where nearly all rows are lost
ROUNDING = 1e-12  # counts whose limits differ by less are equally good


def z_of(confidence: float) -> float:
    """The ordering's standard score, of a level in [0.5, 1)."""
    return min(NormalDist().inv_cdf(confidence), GREATEST_Z)


def approximate_limit(lost: npt.ArrayLike, gained: npt.ArrayLike, rows: int, z: float) -> Shares:
    """Return an upper limit of the loss in closed form: good enough to put counts in order, too low as a bound.

    Args:
        lost: (…) rows that the reference alone gets right.
        gained: (…) rows that the candidate alone gets right.
        rows: all of them.
        z: standard score, at most GREATEST_Z.

    Returns: (…) in [-1, 2], rising in `lost`.

    Source: the adjusted Wald limit of Bonett and Price (2012), Journal of Educational and Behavioral Statistics 37(4),
    479-488, doi:10.3102/1076998611411915: one row is added to either kind of disagreement.
    """
    one, other = np.asarray(lost, np.float64), np.asarray(gained, np.float64)
    loss, disagreement = (one - other) / (rows + 2), (one + other + 2) / (rows + 2)
    return np.asarray(loss + z * np.sqrt((disagreement - loss**2) / (rows + 2)))


def region(limit: float, rows: int, z: float) -> Counts:
    """Find all counts whose approximate limit is at most a given one.

    The limit rises in `lost`, so for every `gained` they are those up to a greatest `lost`: the root of a quadratic,
    put right where it was rounded.

    Args:
        limit: the greatest.
        rows: all rows.
        z: of the ordering.

    Returns: (rows + 1,) the greatest `lost` for each `gained`; -1 where there is none.
    """
    gained = np.arange(rows + 1)
    most = rows - gained

    def within(lost: Counts) -> npt.NDArray[np.bool_]:
        return np.asarray(approximate_limit(lost, gained, rows, z) <= limit + ROUNDING)

    found = np.clip(_root(limit, gained, rows, z), 0, most)
    for _ in range(2):
        found = np.where((found < most) & within(np.minimum(found + 1, most)), found + 1, found)
        found = np.where((found > 0) & ~within(found), found - 1, found)
    found = np.asarray(np.where(within(most), most, found), np.int64)
    found[~within(np.zeros_like(gained))] = -1
    return found


def _root(limit: float, gained: Counts, rows: int, z: float) -> Counts:
    """Solve loss + z·√((disagreement - loss²) / (rows + 2)) = limit for `lost`, about."""
    pull = z**2 / (rows + 2)
    half = 2 * limit + pull
    under = half**2 - 4 * (1 + pull) * (limit**2 - 2 * pull * (gained + 1) / (rows + 2))
    loss = (half - np.sqrt(np.maximum(under, 0.0))) / (2 * (1 + pull))
    return np.asarray(np.floor(loss * (rows + 2) + gained), np.int64)
