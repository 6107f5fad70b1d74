"""The one-sided bound of what a smaller model loses: its level by exact enumeration, and what moves it."""

import numpy as np
import pytest
from scipy import stats

from potstill.measure.intervals import paired_loss_bound


def rows_of(lost: int, gained: int, rows: int):
    """Rows that the first model alone gets right, that the second alone does, and that both do."""
    kind = np.array([0] * lost + [1] * gained + [2] * (rows - lost - gained))
    return (kind == 0) | (kind == 2), (kind == 1) | (kind == 2)


def coverage(rows: int, lost: float, gained: float, confidence: float) -> float:
    """Exact probability that the bound holds: the sum over every pair of counts that can come."""
    held = 0.0
    for one in range(rows + 1):
        chance = stats.binom.pmf(one, rows, lost)
        if chance < 1e-9:
            continue
        others = np.arange(rows - one + 1)
        chances = stats.binom.pmf(others, rows - one, gained / (1 - lost))
        for other in others[chances > 1e-9]:
            if paired_loss_bound(*rows_of(one, int(other), rows), confidence) >= lost - gained:
                held += chance * chances[other]
    return held


@pytest.mark.parametrize(
    ("rows", "lost", "gained"), [(60, 0.05, 0.05), (60, 0.1, 0.02), (120, 0.03, 0.01), (120, 0.2, 0.1)]
)
def test_the_bound_holds_as_often_as_it_says(rows, lost, gained):
    assert coverage(rows, lost, gained, 0.95) >= 0.93  # of a true 0.95: the counts are whole numbers


def test_models_that_agree_on_all_rows_are_not_proved_equal_by_few():
    few, many = (paired_loss_bound(*rows_of(0, 0, rows)) for rows in (20, 2000))
    assert few > 0.08
    assert 0 < many < 0.002


def test_more_confidence_needs_more_room_and_gains_lower_the_bound():
    one = rows_of(10, 5, 200)
    assert paired_loss_bound(*one, 0.99) > paired_loss_bound(*one, 0.95) > 5 / 200
    assert paired_loss_bound(*rows_of(0, 60, 200)) < 0
    assert paired_loss_bound(np.array([True] * 3), np.array([False] * 3)) <= 1
