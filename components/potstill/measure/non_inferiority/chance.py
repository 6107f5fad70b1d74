"""How likely a region of counts is at a given loss, whatever the rate of gains is: the greatest over that rate."""

from typing import Any

import numpy as np

from potstill.measure.non_inferiority.ordering import Counts, Shares

WIDTH = 7.5  # standard deviations of `gained` to either side that are summed up; beyond lies less than 1e-12
PEAKS = 4  # of the grid, that are looked at more closely
CLOSER = 2  # times
BETWEEN = 7  # rates, each time


def worst_chance(edge: Counts, loss: float) -> tuple[float, float]:
    """Find the rate of gains that makes a region likeliest.

    The chance ripples in the rate, as counts are whole, most where few rows are gained or nearly all rows disagree:
    there the grid is dense. The best of its peaks are then looked at more closely.

    Args:
        edge: (rows + 1,) the region, from `ordering.region`.
        loss: the true loss, in [-1, 1].

    Returns: the greatest chance, and the rate of gains where it comes about, in [0, 1].
    """
    rates = rate_grid(len(edge) - 1, loss)
    chances = chance(edge, loss, rates)
    for _ in range(CLOSER):
        more = _around_peaks(rates, chances)
        rates, chances = np.concatenate([rates, more]), np.concatenate([chances, chance(edge, loss, more)])
        order = np.argsort(rates, kind="stable")
        rates, chances = rates[order], chances[order]
    best = int(np.argmax(chances))
    return float(chances[best]), float(rates[best])


def chance(edge: Counts, loss: float, rates: Shares) -> Shares:
    """Return the chance of a region: the sum over `gained`, which is binomial, of that of few enough `lost`, given it.

    Args:
        edge: (rows + 1,) the greatest `lost` for each `gained`.
        loss: the true loss, in [-1, 1].
        rates: (rates,) of gains.

    Returns: (rates,) in [0, 1]. It falls in the loss.
    """
    stats, special = _scipy()
    rows = len(edge) - 1
    spread = WIDTH * np.sqrt(rows * rates * (1 - rates)) + 12
    first = np.maximum(0, np.floor(rows * rates - spread)).astype(np.int64)
    size = np.minimum(rows, np.ceil(rows * rates + spread)).astype(np.int64) - first + 1
    start = np.cumsum(size) - size
    gained = np.arange(size.sum()) + np.repeat(first - start, size)
    rate = np.repeat(rates, size)
    lost = edge[gained]
    share = np.clip((rate + loss) / np.maximum(1 - rate, 1e-300), 0.0, 1.0)
    few = np.where(lost < 0, 0.0, special.bdtr(np.maximum(lost, 0), rows - gained, share))
    found = np.add.reduceat(stats.binom.pmf(gained, rows, rate) * few, start)
    return np.asarray(np.minimum(found, 1.0))


def rate_grid(rows: int, loss: float) -> Shares:
    """Return the rates of gains to try at a loss: all that leave no share negative, from none to all rows disagreeing.

    Near none, and near all, a rate is told in the root of a count: there the ripples are evenly wide.
    """
    least, most = rate_range(loss)
    even = np.sin(np.linspace(0, np.pi / 2, 41)) ** 2
    few, many = np.linspace(0, 6, 25) ** 2 / rows, np.linspace(0, 4, 13) ** 2 / rows
    rates = np.concatenate([least + (most - least) * even, least + few, most - many])
    return np.unique(np.clip(rates, least, most))


def rate_range(loss: float) -> tuple[float, float]:
    """The least and the greatest rate of gains at a loss: of lost, gained and undecided rows, no share is negative."""
    return max(0.0, -loss), (1 - loss) / 2


def _around_peaks(rates: Shares, chances: Shares) -> Shares:
    """Rates between each of the best peaks and its neighbours."""
    walled = np.concatenate([[-1.0], chances, [-1.0]])
    peaks = np.flatnonzero((walled[1:-1] >= walled[:-2]) & (walled[1:-1] >= walled[2:]))
    best = peaks[np.argsort(-chances[peaks], kind="stable")][:PEAKS]
    low, high = rates[np.maximum(best - 1, 0)], rates[np.minimum(best + 1, len(rates) - 1)]
    return np.asarray(np.linspace(low, high, BETWEEN + 2)[1:-1]).ravel()


def _scipy() -> tuple[Any, Any]:
    from scipy import special, stats  # noqa: PLC0415 - slow to import, and not in every stage's image

    return stats, special
