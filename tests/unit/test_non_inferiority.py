"""The exact bound of a loss: against plain enumeration, its p-value, its symmetries and its edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln, xlogy
from scipy.stats import binomtest

from potstill.errors import InputError, OptionError
from potstill.measure.intervals import paired_bootstrap, paired_bootstrap_counts, paired_loss_bound
from potstill.measure.non_inferiority import loss_at_least, loss_at_most, mcnemar_p, non_inferiority_p, rows_to_decide
from potstill.measure.non_inferiority.chance import rate_range
from potstill.measure.non_inferiority.ordering import GREATEST_Z, approximate_limit, region, z_of


def slow_chance(lost, gained, rows, loss, confidence=0.95):
    """The greatest chance of counts as good as these: every pair of counts, one by one, at 3,001 rates of gains."""
    pairs = np.array([(b, c) for b in range(rows + 1) for c in range(rows + 1 - b)])
    limits = approximate_limit(pairs[:, 0], pairs[:, 1], rows, z_of(confidence))
    good = pairs[limits <= approximate_limit(lost, gained, rows, z_of(confidence)) + 1e-12]
    b, c = good.T
    rate = np.linspace(*rate_range(loss), 3001)[:, None]
    share = np.clip(rate + loss, 0, 1)
    ways = gammaln(rows + 1) - gammaln(b + 1) - gammaln(c + 1) - gammaln(rows - b - c + 1)
    none = np.clip(1 - share - rate, 0, 1)
    return np.exp(ways + xlogy(b, share) + xlogy(c, rate) + xlogy(rows - b - c, none)).sum(axis=1).max()


def some_counts(greatest=200):
    """Strategy: lost, gained, rows."""
    return st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, greatest)).map(
        lambda each: (each[0], each[1], max(1, sum(each)))
    )


@pytest.mark.parametrize("rows", [1, 2, 6, 15])
@pytest.mark.parametrize("confidence", [0.6, 0.95, 0.995])
def test_the_bound_is_where_plain_enumeration_finds_alpha(rows, confidence):
    for lost in range(0, rows + 1, 1 + rows // 8):
        for gained in range(0, rows + 1 - lost, 1 + rows // 8):
            bound = loss_at_most(lost, gained, rows, confidence)
            assert bound == 1 or slow_chance(lost, gained, rows, bound + 1e-4, confidence) < 1 - confidence
            assert bound == -1 or slow_chance(lost, gained, rows, bound - 1e-4, confidence) > 1 - confidence


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (3, 1), (10, 10), (30, 2)])
def test_the_p_value_is_that_of_plain_enumeration(lost, gained):
    for margin in (0.02, 0.1, 0.3):
        slow = slow_chance(lost, gained, 60, margin)
        assert non_inferiority_p(lost, gained, 60, margin) == pytest.approx(slow, abs=1e-5)


def test_where_no_row_disagrees_it_is_the_binomial_bound():
    for rows in (20, 500, 10_000):
        poisson = -np.log(0.05) / rows  # the rule of three
        assert loss_at_most(0, 0, rows) == pytest.approx(poisson, rel=3 / rows + 0.01)


@settings(max_examples=60, deadline=None)
@given(some_counts(), st.sampled_from([0.01, 0.02, 0.05, 0.2]), st.sampled_from([0.8, 0.95, 0.99]))
def test_a_bound_within_the_margin_is_a_p_value_within_alpha(counts, margin, confidence):
    p = non_inferiority_p(*counts, margin, confidence)
    if abs(p - (1 - confidence)) > 1e-6:
        assert (loss_at_most(*counts, confidence) <= margin) == (p <= 1 - confidence)


@settings(max_examples=60, deadline=None)
@given(some_counts())
def test_bounds_enclose_what_was_seen_and_mirror_each_other(counts):
    lost, gained, rows = counts
    low, high = loss_at_least(*counts), loss_at_most(*counts)
    assert -1 <= low <= (lost - gained) / rows <= high <= 1
    assert loss_at_most(gained, lost, rows) == -low
    if lost + gained < rows:
        assert loss_at_most(lost + 1, gained, rows) >= high - 1e-9
    if lost:
        assert loss_at_most(lost - 1, gained, rows) <= high + 1e-9


def test_edges_are_within_what_can_be():
    assert loss_at_most(1, 0, 1) == 1
    assert loss_at_most(0, 0, 1) == pytest.approx(0.95)
    assert loss_at_most(0, 1, 1) == pytest.approx(0.9)  # gained with a chance of 0.05, lost with all the rest
    assert loss_at_most(50, 0, 50) == 1
    assert loss_at_most(0, 50, 50) == pytest.approx(1 - 2 * 0.05 ** (1 / 50))
    assert non_inferiority_p(1, 0, 1, 0.02) == 1


@pytest.mark.parametrize("counts", [(-1, 0, 5), (3, 3, 5), (0, 0, 0)])
def test_counts_that_no_rows_have_are_refused(counts):
    with pytest.raises(InputError, match="no rows have these counts"):
        loss_at_most(*counts)


@pytest.mark.parametrize("confidence", [0.2, 1.0])
def test_a_confidence_out_of_range_is_refused(confidence):
    with pytest.raises(OptionError, match=r"confidence should be in \[0.5, 1\)"):
        loss_at_most(1, 0, 5, confidence)


@pytest.mark.parametrize("z", [0.0, 1.645, GREATEST_Z])
def test_the_order_rises_in_lost_so_that_a_region_has_one_edge(z):
    for rows in (1, 2, 5, 40, 200):
        for gained in range(rows + 1):
            assert (np.diff(approximate_limit(np.arange(rows - gained + 1), gained, rows, z)) > 0).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.floats(-1, 1.5), st.floats(0, GREATEST_Z))
def test_a_region_is_what_a_search_of_all_counts_finds(rows, limit, z):
    edge = region(limit, rows, z)
    for gained in range(rows + 1):
        within = approximate_limit(np.arange(rows - gained + 1), gained, rows, z) <= limit + 1e-12
        assert edge[gained] == np.count_nonzero(within) - 1


def test_mcnemar_is_the_binomial_test_and_1_without_disagreement():
    assert mcnemar_p(0, 0) == 1
    assert mcnemar_p(0, 1) == 1
    assert mcnemar_p(2, 12) == pytest.approx(2 * sum([1, 14, 91]) / 2**14)
    assert mcnemar_p(30, 11) == mcnemar_p(11, 30) == pytest.approx(binomtest(30, 41).pvalue)


@pytest.mark.parametrize(
    ("lost", "gained", "rows", "margin"),
    [(0, 0, 50, 0.02), (12, 9, 300, 0.02), (60, 10, 1000, 0.03), (2, 6, 100, 0.01)],
)
def test_the_number_of_rows_decides(lost, gained, rows, margin):
    wanted = rows_to_decide(lost, gained, rows, margin)
    more, loss = wanted / rows, (lost - gained) / rows
    assert wanted > rows
    if loss < margin:
        assert loss_at_most(int(np.ceil(lost * more)), int(gained * more), wanted) <= margin
    else:
        assert loss_at_least(int(lost * more), int(np.ceil(gained * more)), wanted) > margin


def test_no_number_of_rows_tells_a_loss_from_itself():
    assert rows_to_decide(3, 1, 100, 0.02) is None
    assert rows_to_decide(2001, 1, 100_000, 0.0200001) is None  # a million would not do
    assert rows_to_decide(0, 0, 1, 0.02) in (150, 160)  # the rule of three: 3 / 0.02


def test_counts_and_rows_give_the_same_intervals():
    before = np.array([True] * 80 + [False] * 20)
    after = np.array([False] * 5 + [True] * 75 + [True] * 3 + [False] * 17)
    assert paired_bootstrap(before, after) == paired_bootstrap_counts(5, 3, 100)
    assert paired_loss_bound(before, after) == loss_at_most(5, 3, 100)
