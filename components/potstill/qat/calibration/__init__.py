"""How the range of a linear's input follows from what was seen of it."""

from collections.abc import Callable

from potstill.qat.calibration.entropy import entropy_range
from potstill.qat.calibration.minmax import minmax_range
from potstill.qat.calibration.percentile import percentile_range
from potstill.qat.ranges import InputStatistics

__all__ = ["CALIBRATIONS", "calibrate"]

CALIBRATIONS = ("minmax", "percentile", "entropy")


def calibrate(how: str, seen: InputStatistics, percentile: float) -> tuple[float, float]:
    """Choose the range that a static quantiser's 256 steps are spread over; what lies beyond is clipped to its ends.

    Args:
        how: one of CALIBRATIONS.
        seen: what the input was like.
        percentile: of the values, how many in a hundred stay within; in (0, 100]. Only `percentile` reads it.

    Returns: low ≤ 0 ≤ high, both within [seen.low, seen.high].
    """
    ways: dict[str, Callable[[], tuple[float, float]]] = {
        "minmax": lambda: minmax_range(seen),
        "percentile": lambda: percentile_range(seen, percentile),
        "entropy": lambda: entropy_range(seen),
    }
    return ways[how]()
