"""Verdicts on a loss: pass, fail, inconclusive; Holm's step-down over classes, against statsmodels."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from potstill.measure.non_inferiority import (
    holm_adjusted,
    holm_levels,
    judge_classes,
    judge_loss,
    loss_at_least,
    loss_at_most,
    non_inferiority_p,
)

MARGIN = 0.02


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 1) | st.floats(0, 0.05), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(p_values):
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    rejected, adjusted, *_ = multitest.multipletests(p_values, alpha=0.05, method="holm")
    assert [p <= level for p, level in zip(p_values, holm_levels(p_values), strict=True)] == list(rejected)
    assert holm_adjusted(p_values) == pytest.approx(list(adjusted))


def test_holm_of_nothing_is_nothing():
    assert holm_levels([]) == holm_adjusted([]) == []


def test_enough_rows_pass_or_fail_and_few_do_neither():
    passed, failed, unsure = (
        judge_loss(10, 10, 2000, MARGIN),
        judge_loss(90, 10, 2000, MARGIN),
        judge_loss(1, 0, 40, MARGIN),
    )
    assert (passed.verdict, failed.verdict, unsure.verdict) == ("pass", "fail", "inconclusive")
    assert passed.at_most == loss_at_most(10, 10, 2000) <= MARGIN
    assert loss_at_least(90, 10, 2000) > MARGIN
    assert passed.rows_wanted is failed.rows_wanted is None
    assert unsure.lost == 1 / 40
    assert unsure.rows_wanted > 40
    assert passed.level == 0.95


def test_one_class_is_judged_as_a_whole_is():
    assert judge_classes([(3, 1, 400)], MARGIN) == [judge_loss(3, 1, 400, MARGIN)]


def test_a_class_without_rows_is_inconclusive_and_costs_the_others_nothing():
    counts = [(2, 2, 1000), (0, 0, 0)]
    seen, unseen = judge_classes(counts, MARGIN)
    assert seen == judge_loss(2, 2, 1000, MARGIN)
    assert (unseen.verdict, unseen.rows_wanted, unseen.at_most) == ("inconclusive", None, 1)
    assert judge_loss(0, 0, 0, MARGIN).verdict == "inconclusive"


def test_a_class_is_held_to_the_level_of_as_many_as_are_left():
    plain, unsure = (2, 2, 2000), (1, 1, 60)
    found = judge_classes([plain, unsure, plain, unsure], MARGIN)
    assert [each.verdict for each in found] == ["pass", "inconclusive", "pass", "inconclusive"]
    assert [each.level for each in found] == pytest.approx([1 - 0.05 / 4, 1 - 0.05 / 2, 1 - 0.05 / 3, 1 - 0.05 / 2])
    assert found[0].at_most == loss_at_most(*plain, found[0].level)
    assert found[1].at_most > loss_at_most(*unsure, 0.95)


def test_a_class_that_surely_lost_more_fails():
    found = judge_classes([(40, 2, 300), (1, 1, 1000)], MARGIN)
    assert [each.verdict for each in found] == ["fail", "pass"]
    assert loss_at_least(40, 2, 300, found[0].level) > MARGIN


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(200, 900)), min_size=1, max_size=5))
@example([(0, 0, 200), (0, 0, 203), (7, 6, 396)])  # the last passes by itself, and not in the order of three
def test_verdicts_are_those_of_holm_on_p_values_in_one_order(counts):
    found = [each.verdict == "pass" for each in judge_classes(counts, MARGIN)]
    left = set(range(len(counts)))
    while shown := {i for i in left if _p(counts[i], len(counts)) <= 0.05 / len(left)}:
        order, level = 1 - 0.05 / len(counts), 1 - 0.05 / len(left)
        assert all(loss_at_most(*counts[i], level, order) <= MARGIN for i in shown)
        left -= shown
    assert found == [i not in left for i in range(len(counts))]


def _p(counts, among):
    return non_inferiority_p(*counts, MARGIN, 1 - 0.05 / among)


def test_more_classes_never_help_one_of_them():
    alone = judge_loss(8, 4, 900, MARGIN).at_most
    among = [judge_classes([(8, 4, 900)] + [(9, 0, 100)] * others, MARGIN)[0].at_most for others in range(4)]
    assert among[0] == alone
    assert (np.diff(among) >= 0).all()
