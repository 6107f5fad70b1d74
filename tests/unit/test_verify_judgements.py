"""Judgements held against the figures, and bounds against the exact ones; the rules are those of validate."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potstill.measure.non_inferiority import loss_at_most, non_inferiority_p
from potstill.validate.budgets import Budgets, failures_of, judge_budgets, judging, read_budgets, verdict_of
from potstill.validate.candidates import FOR_PHONES, TITLES, is_export
from potstill.verify import budget_rules
from potstill.verify.judgements import LIMITS, contradictions
from potstill.verify.loss_bounds import is_too_low, least_chance
from tests.report_figures import ROWS, device, report_figures


def judged(budgets="", figures=None):
    """A verdict as validate writes it, and the figures that it was judged by."""
    figures, asked = figures or report_figures(), read_budgets(budgets)
    judgements = judge_budgets(figures, asked)
    told = {"verdict": verdict_of(judgements), "budgets": judgements, "failures": failures_of(judgements)}
    return {**told, "final": figures["final"], "limits": asked.model_dump(mode="json")}, figures


def test_the_budgets_are_those_of_validate():
    assert set(LIMITS) == set(Budgets().model_dump())


@pytest.mark.parametrize(
    "budgets",
    [
        "",
        "max_size_mb: 1",
        "max_accuracy_loss: 0.4",
        "beat_tfidf: false",
        "min_accuracy: 0.99\nmax_latency_p95_ms: 0.001",
        "max_cold_start_ms: 5\nmax_memory_mb: 1\nmax_class_loss: 0",
    ],
)
def test_what_validate_judged_contradicts_nothing(budgets):
    assert list(contradictions(*judged(budgets))) == []


@pytest.mark.parametrize("name", [name for name in LIMITS if name != "confidence"])
def test_a_judged_limit_that_was_changed_is_told(name):
    verdict, figures = judged()
    known = {each["name"] for each in verdict["budgets"]}
    for other in ("x", [1], None if name in known else "1"):
        changed = copy.deepcopy(verdict)
        changed["limits"][name] = other
        assert list(contradictions(changed, figures))


def test_figures_of_other_models_are_none_of_its_business():
    verdict, figures = judged()
    del figures["models"]["student"]
    assert list(contradictions(verdict, figures)) == []


def test_models_and_rules_are_those_of_validate():
    assert [name for name in TITLES if budget_rules.is_for_phones(name)] == list(FOR_PHONES)
    assert [name for name in TITLES if budget_rules.is_export(name)] == [name for name in TITLES if is_export(name)]
    theirs = [(rule.name, rule.bound, vars(rule.unit), rule.models is judging.exports) for rule in judging._RULES]
    assert [(rule.name, rule.bound, vars(rule.unit), rule.exports) for rule in budget_rules.RULES] == theirs


WITHOUT = {
    "nothing": lambda figures: figures,
    "exports": lambda figures: [figures["models"].pop(name) for name in [*figures["models"]] if is_export(name)],
    "a rival": lambda figures: figures["models"].pop("tfidf"),
    "losses": lambda figures: [each.update(loss=None) for each in figures["models"].values()],
    "robustness": lambda figures: figures.update(robustness=None),
    "clocks": lambda figures: figures.update(latency=None, footprint=None),
    "sizes": lambda figures: [each.update(bytes=None, size_parts=None) for each in figures["models"].values()],
    "classes": lambda figures: [each["loss"].update(classes=[]) for each in figures["models"].values() if each["loss"]],
}


@pytest.mark.parametrize("without", WITHOUT)
@pytest.mark.parametrize(
    "named", ["", "max_cold_start_ms: 500\nmax_size_mb: 7.5\nmax_latency_ratio: 0.3\nbeat_tfidf: true"]
)
@pytest.mark.parametrize("phones", [0, 2])
def test_what_validate_judged_of_less_contradicts_nothing(without, named, phones):
    figures = report_figures()
    WITHOUT[without](figures)
    figures["devices"] = [device(), device("onnx_int8", device="Pixel 8", tokens=None, memory_mb=None)][:phones]
    assert list(contradictions(*judged(named, figures))) == []


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(*[st.integers(0, 250)] * 2), min_size=4, max_size=4),
    st.sampled_from([0.5, 0.9, 0.95, 0.99]),
    st.sampled_from([0.4, 2.0, 10.0]),
)
def test_losses_that_validate_judged_contradict_nothing(counts, confidence, limit):
    figures = report_figures()
    for name in ("onnx_int8", "coreml_int8"):
        loss = figures["models"][name]["loss"]
        for each, (lost, gained) in zip(loss["classes"], counts, strict=True):
            each.update(lost_rows=lost, gained_rows=gained)
        loss.update(lost_rows=sum(one for one, _ in counts), gained_rows=sum(other for _, other in counts))
    budgets = f"max_accuracy_loss: {limit}\nmax_class_loss: {limit}\nconfidence: {confidence}"
    assert list(contradictions(*judged(budgets, figures))) == []


@settings(deadline=None, max_examples=80)
@given(
    st.sampled_from([1, 3, 40, 504, ROWS]),
    st.floats(0, 0.4),
    st.floats(0, 0.4),
    st.sampled_from([0.5, 0.9, 0.95, 0.99]),
)
def test_no_exact_bound_is_too_low_and_one_that_is_lower_is(rows, one, other, level):
    """Lower by a fifth of the way to the loss that was counted; on few rows, nobody can tell so finely."""
    lost, gained = int(one * rows), int(other * rows)
    bound = loss_at_most(lost, gained, rows, level)
    assert not is_too_low(bound, (lost, gained, rows), 1 - level, level)
    counted = (lost - gained) / rows
    if rows >= 504 and level >= 0.9 and bound < 1:
        assert is_too_low(bound - (bound - counted) / 5, (lost, gained, rows), 1 - level, level)
    margin = min(0.99, counted + 0.03)
    assert (
        least_chance(margin, (lost, gained, rows), level) <= non_inferiority_p(lost, gained, rows, margin, level) + 1e-8
    )


@pytest.mark.parametrize("counts", [(-1, 0, 5), (3, 3, 5), (0, 0, 0)])
def test_counts_that_no_rows_have_are_told(counts):
    verdict, figures = judged()
    names = ("lost_rows", "gained_rows", "rows")
    figures["models"]["onnx_int8"]["loss"].update(zip(names, counts, strict=True))
    assert any("cannot be judged again" in line or "counts" in line for line in contradictions(verdict, figures))


def test_more_rows_than_can_be_summed_up_are_held_against_what_was_counted():
    assert least_chance(0.1, (500_000, 0, 1_000_000), 0.95) == 0
    assert list(contradictions(*judged())) == []
