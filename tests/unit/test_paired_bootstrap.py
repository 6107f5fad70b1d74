"""The paired bootstrap of two accuracies: against drawing rows one by one, in coverage, and where nothing can vary."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from potstill.measure.intervals import paired_bootstrap


def draw(rows, one_only, other_only, both, seed):
    """Rows of a known population: chances of being right alone, of the other alone, and of both."""
    kind = np.random.default_rng(seed).choice(4, rows, p=[one_only, other_only, both, 1 - one_only - other_only - both])
    return (kind == 0) | (kind == 2), (kind == 1) | (kind == 2)


@pytest.mark.parametrize(
    ("rows", "chances", "confidence"), [(400, (0.08, 0.05, 0.8), 0.95), (150, (0.02, 0.2, 0.5), 0.9)]
)
def test_bounds_are_those_of_drawing_rows(rows, chances, confidence):
    one, other = draw(rows, *chances, seed=1)

    def difference(one, other, axis):
        return one.mean(axis=axis) - other.mean(axis=axis)

    slow = stats.bootstrap(
        (one.astype(float), other.astype(float)),
        difference,
        paired=True,
        method="percentile",
        n_resamples=20_000,
        confidence_level=confidence,
        rng=np.random.default_rng(2),
        batch=1000,
    )
    fast = paired_bootstrap(one, other, confidence, resamples=20_000, seed=3)
    # A bound's Monte-Carlo error: about 2 % of the standard error at 20,000 draws, and the draws' grid of 1/rows.
    tolerance = 0.1 * slow.standard_error + 1 / rows
    assert fast == pytest.approx(tuple(slow.confidence_interval), abs=tolerance)
    assert slow.bootstrap_distribution.std() == pytest.approx(slow.standard_error, rel=0.02)


def test_coverage_is_the_confidence():
    chances, runs = (0.10, 0.06, 0.7), 1500
    truth, held = chances[0] - chances[1], 0
    for seed in range(runs):
        low, high = paired_bootstrap(*draw(300, *chances, seed=seed), confidence=0.9, resamples=1000, seed=seed)
        held += low <= truth <= high
    # 0.9 within four binomial errors and the percentile interval's own error of a percent or two at 300 rows
    assert held / runs == pytest.approx(0.9, abs=4 * (0.9 * 0.1 / runs) ** 0.5 + 0.01)


def test_models_that_are_right_on_the_same_rows_do_not_differ():
    one, _ = draw(50, 0.3, 0.1, 0.5, seed=0)
    assert paired_bootstrap(one, one) == (0.0, 0.0)


def test_one_row_says_nothing_but_itself():
    right, wrong = np.array([True]), np.array([False])
    assert paired_bootstrap(right, wrong) == (1.0, 1.0)
    assert paired_bootstrap(wrong, right) == (-1.0, -1.0)
    assert paired_bootstrap(wrong, wrong) == (0.0, 0.0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30), st.integers(0, 5))
def test_bounds_are_ordered_repeatable_and_a_wider_level_holds_a_narrower(pairs, seed):
    one, other = (np.array(column) for column in zip(*pairs, strict=True))
    low, high = paired_bootstrap(one, other, resamples=500, seed=seed)
    assert -1 <= low <= high <= 1
    assert paired_bootstrap(one, other, resamples=500, seed=seed) == (low, high)
    narrow = paired_bootstrap(one, other, 0.5, resamples=500, seed=seed)
    assert low <= narrow[0] <= narrow[1] <= high


def test_on_many_rows_it_is_the_normal_interval():
    one, other = draw(100_000, 0.05, 0.04, 0.8, seed=0)
    low, high = paired_bootstrap(one, other)
    error = np.std(one.astype(float) - other) / len(one) ** 0.5
    assert (high - low) / (2 * 1.959964 * error) == pytest.approx(1, abs=0.05)
