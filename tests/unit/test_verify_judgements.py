"""Judgements held against their own figures and the sealed report; the budgets are those that validate knows."""

import copy

import pytest

from potstill.validate.budgets import Budgets, failures_of, judge_budgets, read_budgets, verdict_of
from potstill.verify.judgements import LIMITS, contradictions
from tests.report_figures import report_figures


def judged(budgets=""):
    """A verdict as validate writes it, and the figures that it was judged by."""
    figures, asked = report_figures(), read_budgets(budgets)
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
