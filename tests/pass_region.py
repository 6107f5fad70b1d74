"""All counts that pass at once: what a simulation holds its trials to."""

from functools import lru_cache

from potstill.measure.non_inferiority.chance import worst_chance
from potstill.measure.non_inferiority.ordering import Counts, region, z_of

TURNS = 40  # halvings, far below what tells two counts apart


@lru_cache(maxsize=64)
def pass_limit(rows: int, margin: float, confidence: float = 0.95, order: float | None = None) -> float:
    """Return the greatest approximate limit that passes: up to there, `loss_at_most` is within the margin.

    Args:
        rows: all rows.
        margin: what may be lost, a share of the rows.
        confidence: of the bound, in [0.5, 1).
        order: the level in whose order counts are better or worse; None: this one.

    Returns: to be compared with `ordering.approximate_limit`; -2 where no counts pass.
    """
    z = z_of(confidence if order is None else order)
    low, high = -2.0, 2.0
    for _ in range(TURNS):
        middle = (low + high) / 2
        passes = worst_chance(region(middle, rows, z), margin)[0] <= 1 - confidence
        low, high = (middle, high) if passes else (low, middle)
    return low


def pass_region(rows: int, margin: float, confidence: float = 0.95, order: float | None = None) -> Counts:
    """Return the greatest `lost` that passes for each `gained`, (rows + 1,); -1 where none does."""
    return region(pass_limit(rows, margin, confidence, order), rows, z_of(confidence if order is None else order))
