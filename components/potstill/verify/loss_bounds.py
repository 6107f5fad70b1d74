"""How likely the counted rows are if so much is lost: enough to see a bound that is too low, without any library.

`potstill.measure.non_inferiority` computes the bound: the loss at which counts as good as these, or better, come with
the chance alpha at the rate of gains that is worst. Here the chance is summed up at a few rates, and terms that weigh
nothing are left out: what comes out is never more than the true chance, so that no honest bound is refused.
"""

from collections.abc import Callable, Iterator
from functools import cache
from math import exp, floor, lgamma, log, log1p, sqrt
from statistics import NormalDist

Counts = tuple[int, int, int]  # rows lost, rows gained, all rows
MOST_ROWS = 200_000  # of more, the chance would take seconds
GREATEST_Z = 3.9  # as in the ordering of the bound
EQUAL = 1e-12
SPREAD = 6.0  # standard deviations to either side
NOTHING = 1e-9  # the weight of a term that is left out
TURNS = 10_000  # of a continued fraction; some hundreds are taken


def is_too_low(bound: float, counts: Counts, alpha: float, order: float) -> bool:
    """Tell whether a bound is surely lower than the exact one.

    Args:
        bound: of the loss, a share of the rows.
        counts: what was counted.
        alpha: 1 - the level of the bound.
        order: the level in whose order counts are better or worse.
    """
    return least_chance(bound, counts, order) > alpha * (1 + 1e-6) + EQUAL


def least_chance(loss: float, counts: Counts, order: float) -> float:
    """Return how likely counts as good as these, or better, are at least, if so much is lost; 0 where it is not known.

    Args:
        loss: a share of the rows.
        counts: what was counted.
        order: the level in whose order counts are better or worse.

    Raises:
        ValueError: counts that no rows have.
    """
    lost, gained, rows = counts
    if min(lost, gained) < 0 or rows < max(1, lost + gained):
        raise ValueError(f"no rows have these counts: {lost} lost and {gained} gained of {rows}")
    if rows > MOST_ROWS or not -1 < loss < 1:
        return 0.0
    edge = _edge(counts, min(NormalDist().inv_cdf(order), GREATEST_Z))
    return max(_chance(edge, loss, rate, rows) for rate in _rates(gained, rows, loss))


def _rates(gained: int, rows: int, loss: float) -> Iterator[float]:
    """Rates of gains about the one that was seen, and near none: there one of them is worst, or nearly so."""
    least, most = max(0.0, -loss), (1 - loss) / 2
    seen, step = gained / rows, sqrt(gained + 1) / rows
    for rate in (seen, seen - step, seen + step, seen + 3 * step, least, least + 1 / rows):
        yield min(most, max(least, rate))


def _edge(counts: Counts, z: float) -> Callable[[int], int]:
    """For each number of gained rows, the greatest number of lost ones that is as good as what was seen; -1: none."""
    lost, gained, rows = counts
    limit = _limit(lost, gained, rows, z) + EQUAL

    @cache
    def edge(other: int) -> int:
        low, high = -1, rows - other
        while low < high:
            middle = (low + high + 1) // 2
            if _limit(middle, other, rows, z) <= limit:
                low = middle
            else:
                high = middle - 1
        return low

    return edge


def _limit(lost: int, gained: int, rows: int, z: float) -> float:
    """The adjusted Wald limit of Bonett and Price (2012), which puts counts in order."""
    loss, disagreement = (lost - gained) / (rows + 2), (lost + gained + 2) / (rows + 2)
    return loss + z * sqrt((disagreement - loss * loss) / (rows + 2))


def _chance(edge: Callable[[int], int], loss: float, rate: float, rows: int) -> float:
    """Sum over the gained rows, which are binomial, how likely few enough lost ones are."""
    share = min(1.0, max(0.0, (rate + loss) / max(1 - rate, 1e-300)))
    spread = SPREAD * sqrt(rows * rate * (1 - rate)) + SPREAD
    found = 0.0
    for gained in range(max(0, floor(rows * rate - spread)), min(rows, floor(rows * rate + spread)) + 1):
        weight = _weight(gained, rows, rate)
        if weight > NOTHING and (lost := edge(gained)) >= 0:
            found += weight * _at_most(lost, rows - gained, share)
    return found


def _weight(count: int, rows: int, rate: float) -> float:
    """The binomial probability of a count."""
    if rate <= 0 or rate >= 1:
        return float(count == (rows if rate >= 1 else 0))
    choices = lgamma(rows + 1) - lgamma(count + 1) - lgamma(rows - count + 1)
    return exp(choices + count * log(rate) + (rows - count) * log1p(-rate))


def _at_most(count: int, rows: int, rate: float) -> float:
    """The binomial probability of a count or less."""
    if count >= rows or rate <= 0:
        return 1.0
    if rate >= 1:
        return 0.0
    one, other, share = rows - count, count + 1, 1 - rate
    if share < (one + 1) / (one + other + 2):
        return _beta(one, other, share)
    return 1 - _beta(other, one, rate)


def _beta(one: int, other: int, share: float) -> float:
    """The regularised incomplete beta function by its continued fraction (Lentz), where that is quick.

    Source: NIST DLMF 8.17.22.
    """
    front = lgamma(one + other) - lgamma(one) - lgamma(other) + one * log(share) + other * log1p(-share)
    if front < -60:
        return 0.0
    above, below = 1.0, 1 / _away(1 - (one + other) * share / (one + 1))
    fraction = below
    for turn in range(1, TURNS):
        for factor in _factors(turn, one, other, share):
            below, above = 1 / _away(1 + factor * below), _away(1 + factor / above)
            fraction *= below * above
        if abs(below * above - 1) < 1e-11:
            break
    return exp(front) * fraction / one


def _factors(turn: int, one: int, other: int, share: float) -> tuple[float, float]:
    place = one + 2 * turn
    even = turn * (other - turn) * share / ((place - 1) * place)
    return even, -(one + turn) * (one + other + turn) * share / (place * (place + 1))


def _away(value: float) -> float:
    """Keep a divisor from nothing."""
    return value if abs(value) > 1e-300 else 1e-300
