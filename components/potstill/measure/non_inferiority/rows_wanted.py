"""How many rows would decide what these leave open."""

from math import ceil, floor, log10
from statistics import NormalDist

from potstill.measure.non_inferiority.bound import loss_at_least, loss_at_most

GREATEST = 1_000_000  # rows; nobody labels more than that to decide one verdict
STEP = 1.05


def rows_to_decide(
    lost: int, gained: int, rows: int, margin: float, confidence: float = 0.95, least: int | None = None
) -> int | None:
    """Return a number of rows that would decide between within the margin and beyond it, if rates stay as they are.

    Args:
        lost: rows that the reference gets right and this model wrong.
        gained: rows that this model alone gets right.
        rows: all rows, at least 1.
        margin: what may be lost, a share of the rows.
        confidence: level, in [0.5, 1).
        least: the least number to try; None: more than `rows`.

    Returns: a round number, at least that, at which counts at the same rates, rounded against the verdict, are decided;
        None where the loss that was seen is the margin, or so near to it that GREATEST rows would not do.
    """
    loss = (lost - gained) / rows
    room = margin - loss
    if abs(room) < 1e-12:
        return None
    spread = (lost + gained) / rows - loss**2
    guess = (NormalDist().inv_cdf(confidence) / room) ** 2 * spread
    wanted = _round_up(max(rows + 1 if least is None else least, guess))
    while wanted <= GREATEST:
        if _decided(lost / rows * wanted, gained / rows * wanted, wanted, margin, confidence):
            return wanted
        wanted = _round_up(max(wanted + 1, STEP * wanted))
    return None


def _decided(lost: float, gained: float, rows: int, margin: float, confidence: float) -> bool:
    """Whether counts decide, once they are rounded against the verdict that they lean to."""
    if lost - gained < margin * rows:
        return loss_at_most(min(_up(lost), rows - _down(gained)), _down(gained), rows, confidence) <= margin
    return loss_at_least(_down(lost), min(_up(gained), rows - _down(lost)), rows, confidence) > margin


def _up(count: float) -> int:
    return ceil(count - 1e-9)


def _down(count: float) -> int:
    return floor(count + 1e-9)


def _round_up(count: float) -> int:
    """Two digits say all that such an estimate knows."""
    unit = 10 ** max(0, floor(log10(count)) - 1)
    return int(ceil(count / unit) * unit)
