"""Nothing that was seen is clipped."""

from potstill.qat.ranges import InputStatistics


def minmax_range(seen: InputStatistics) -> tuple[float, float]:
    """From the least value to the greatest; one outlier makes every step wider.

    Source: arXiv:1712.05877, section 3.1.
    """
    return seen.low, seen.high
