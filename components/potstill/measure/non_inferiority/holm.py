"""Many questions at once: of all that are answered by luck, Holm's step-down keeps down the chance of even one."""

from collections.abc import Sequence


def holm_levels(p_values: Sequence[float], alpha: float = 0.05) -> list[float]:
    """Return the level that each hypothesis is held to; it is rejected where its p-value is at most that.

    The smallest p-value is held to alpha over their number, the next one to alpha over one less, and so on, until one
    is not rejected: all that are left are held to that one's level.

    Args:
        p_values: one of each hypothesis, in [0, 1].
        alpha: the chance of rejecting even one that is true, at most.

    Returns: a level of each, in the order of `p_values`.

    Source: Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """
    levels = [0.0] * len(p_values)
    level, rejecting = alpha, True
    for left, place in zip(range(len(p_values), 0, -1), _ascending(p_values), strict=True):
        level = alpha / left if rejecting else level
        levels[place] = level
        rejecting = rejecting and p_values[place] <= level
    return levels


def holm_adjusted(p_values: Sequence[float]) -> list[float]:
    """Return p-values that are to be compared with alpha itself: the least alpha at which Holm rejects each."""
    adjusted = [0.0] * len(p_values)
    greatest = 0.0
    for left, place in zip(range(len(p_values), 0, -1), _ascending(p_values), strict=True):
        greatest = max(greatest, min(1.0, left * p_values[place]))
        adjusted[place] = greatest
    return adjusted


def _ascending(p_values: Sequence[float]) -> list[int]:
    return sorted(range(len(p_values)), key=lambda place: p_values[place])
