"""At a true loss equal to the margin, at most 5 % of 10,000 trials pass; approximate bounds pass more."""

import numpy as np
import pytest

from potstill.measure.non_inferiority import judge_classes, loss_at_most
from potstill.measure.non_inferiority.chance import chance, worst_chance
from potstill.measure.non_inferiority.ordering import approximate_limit, z_of
from tests.class_trials import class_trials, passing
from tests.pass_region import pass_region

TRIALS = 10_000
GAINED = (0.0, 0.01, 0.04, 0.1)


def drawn(rows, loss, gained, seed=0, trials=TRIALS):
    """Rows lost and gained in each trial."""
    dice = np.random.default_rng(seed)
    return dice.multinomial(rows, [gained + loss, gained, 1 - 2 * gained - loss], size=trials)[:, :2].T


def most_by_luck(share, trials=TRIALS):
    """What a true share gives in 10,000 trials, but once in a thousand."""
    return share + 3.1 * (share * (1 - share) / trials) ** 0.5


@pytest.mark.parametrize("rows", [100, 500, 2_000, 10_125])
@pytest.mark.parametrize("margin", [0.01, 0.02, 0.05])
def test_a_model_at_the_margin_passes_in_at_most_5_percent(rows, margin):
    edge = pass_region(rows, margin)
    assert worst_chance(edge, margin)[0] <= 0.05  # whatever the rate of gains
    exact = chance(edge, margin, np.array(GAINED))
    assert (exact <= 0.05).all()
    for gained, share in zip(GAINED, exact, strict=True):
        lost, other = drawn(rows, margin, gained)
        assert np.mean(lost <= edge[other]) <= most_by_luck(share)


@pytest.mark.parametrize(("rows", "margin", "gained"), [(100, 0.05, 0.0), (500, 0.01, 0.0), (300, 0.02, 0.01)])
def test_the_bound_itself_passes_in_at_most_5_percent(rows, margin, gained):
    counts, often = np.unique(drawn(rows, margin, gained).T, axis=0, return_counts=True)
    passes = [loss_at_most(int(lost), int(other), rows) <= margin for lost, other in counts]
    assert often[passes].sum() <= 0.05 * TRIALS
    assert passes == [lost <= pass_region(rows, margin)[other] for lost, other in counts]


def test_the_bound_is_within_the_margin_exactly_in_the_pass_region():
    edge = pass_region(60, 0.1)
    for gained in range(0, 61, 3):
        for lost in range(max(0, edge[gained] - 1), min(60 - gained, edge[gained] + 2) + 1):
            assert (loss_at_most(lost, gained, 60) <= 0.1) == (lost <= edge[gained])


def test_approximate_bounds_pass_more_where_few_rows_disagree():
    lost, gained = drawn(100, 0.02, 0.0)
    loss = (lost - gained) / 100
    wald = loss + z_of(0.95) * ((lost + gained) / 100 - loss**2) ** 0.5 / 10
    assert np.mean(wald <= 0.02) > 0.12  # as does the bootstrap: where nothing is lost, nothing varies
    lost, gained = drawn(2000, 0.02, 0.0)
    assert np.mean(approximate_limit(lost, gained, 2000, z_of(0.95)) <= 0.02) > 0.06
    assert np.mean(lost <= pass_region(2000, 0.02)[gained]) <= 0.05


@pytest.mark.parametrize("at_margin", [(0,), (9,), tuple(range(10))])
def test_of_ten_classes_any_passes_wrongly_in_at_most_5_percent(at_margin):
    sizes, margin = (60, 150, 150, 200, 200, 300, 300, 300, 400, 400), 0.05
    losses = [margin if place in at_margin else 0.0 for place in range(10)]
    passed = passing(class_trials(losses, 0.01, sizes, TRIALS), sizes, margin)
    assert passed[:, list(at_margin)].any(axis=1).mean() <= 0.05


def test_the_trials_of_classes_are_the_verdicts_themselves():
    sizes, margin = (60, 150, 300), 0.05
    drawn = class_trials((0.05, 0.0, 0.0), 0.01, sizes, 25)
    for counts, passed in zip(drawn, passing(drawn, sizes, margin), strict=True):
        given = [(int(b), int(c), rows) for (b, c), rows in zip(counts, sizes, strict=True)]
        assert [each.verdict == "pass" for each in judge_classes(given, margin)] == list(passed)
