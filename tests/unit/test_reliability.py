"""Expected calibration error and Brier score, against the definitions written out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potstill.measure.calibration import BINS, judge_calibration


def slow(truth, probabilities):
    """Both figures, a row at a time, bin (low, high] by bin."""
    error, brier = 0.0, 0.0
    for place in range(BINS):
        rows = [
            row
            for row, each in enumerate(probabilities)
            if place / BINS < max(each) <= (place + 1) / BINS or (max(each) == 0 and place == 0)
        ]
        if rows:
            sure = sum(max(probabilities[row]) for row in rows) / len(rows)
            right = sum(int(np.argmax(probabilities[row]) == truth[row]) for row in rows) / len(rows)
            error += len(rows) * abs(sure - right) / len(truth)
    for label, each in zip(truth, probabilities, strict=True):
        brier += sum((share - (index == label)) ** 2 for index, share in enumerate(each)) / len(truth)
    return error, brier


@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(1, 60))
def test_figures_are_those_of_the_definition(seed, labels, rows):
    dice = np.random.default_rng(seed)
    probabilities = dice.dirichlet(np.full(labels, 0.3), rows)
    truth = dice.integers(0, labels, rows)
    found = judge_calibration(truth, probabilities)
    assert (found.ece, found.brier) == pytest.approx(slow(truth, probabilities), abs=1e-12)
    assert sum(each.rows for each in found.reliability) == rows


def test_who_is_sure_and_right_is_calibrated():
    found = judge_calibration(np.array([0, 1, 1]), np.eye(2)[[0, 1, 1]])
    assert (found.ece, found.brier) == (0, 0)
    assert [each.rows for each in found.reliability] == [0] * (BINS - 1) + [3]
    assert found.reliability[0].confidence is None


def test_who_is_sure_and_wrong_is_worst():
    found = judge_calibration(np.array([1, 0]), np.eye(2))
    assert (found.ece, found.brier) == (1, 2)


def test_a_sureness_on_an_edge_belongs_to_the_bin_below_it():
    found = judge_calibration(np.array([0]), np.array([[0.6, 0.4]]))  # 0.6 is 9/15
    assert [each.rows for each in found.reliability].index(1) == 8
