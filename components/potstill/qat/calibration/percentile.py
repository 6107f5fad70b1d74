"""A small share of the values, the outermost at either end, is clipped."""

import numpy as np
import numpy.typing as npt

from potstill.qat.histogram import BINS
from potstill.qat.ranges import InputStatistics


def percentile_range(seen: InputStatistics, percentile: float) -> tuple[float, float]:
    """Leave out (100 - percentile)/2 in a hundred values at each end, but never 0.

    Of n values in ascending order, with t = n (100 - percentile)/200, the t-th from 0 is where the range begins, and
    the t-th from the other end is where it ends; both are told from the histogram, as if its values were spread evenly
    within their bin, and so are off by at most one bin, (seen.high - seen.low)/BINS.

    Args:
        seen: what the input was like.
        percentile: in (0, 100]; 100 leaves nothing out.

    Source: arXiv:2004.09602 (percentile calibration; there of magnitudes, here of either end).
    """
    share, width = (100 - percentile) / 200, (seen.high - seen.low) / BINS
    low = seen.low + width * _bins_cut(seen.counts, share)
    high = seen.high - width * _bins_cut(seen.counts[::-1], share)
    return min(low, 0.0), max(high, 0.0)


def _bins_cut(counts: npt.NDArray[np.int64], share: float) -> float:
    """How many bins from the first on hold so great a share of the values, parts of a bin included."""
    before = np.concatenate([[0], np.cumsum(counts)])
    cut = share * before[-1]
    last = int(np.searchsorted(before, cut, side="right")) - 1  # the bin in which the first value stands that stays
    return last + float((cut - before[last]) / counts[last])
