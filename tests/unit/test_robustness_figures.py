"""Accuracy, losses and flips under disturbances, counted by hand."""

import json

import numpy as np
import pytest

from potstill.validate.robustness import Disturbed, disturb, tell_robustness
from potstill.validate.robustness.examples import WIDTH, example_of

LABELS = ["体育", "财经"]
TRUTH = np.array([0, 0, 1, 1])


def disturbed(name, changed):
    return Disturbed(name, name.title(), list("abcd"), np.array(changed), ("甲", "乙") if any(changed) else None)


@pytest.fixture(scope="module")
def told():
    under = [disturbed("some", [True, True, True, False]), disturbed("none", [False] * 4)]
    clean = {"teacher": TRUTH, "tfidf": np.array([0, 1, 1, 0])}
    found = {
        "teacher": [np.array([1, 0, 1, 0]), TRUTH],  # of three changed rows one flips; the fourth is no flip
        "tfidf": [np.array([0, 0, 1, 0]), clean["tfidf"]],  # one flips, to the better
    }
    return tell_robustness(under, TRUTH, LABELS, clean, found, {"teacher": (1, 0.7), "tfidf": (0, np.float32(0.5))}, 3)


def test_figures_by_hand(told):
    some = told["disturbances"][0]
    assert some["models"]["teacher"] == {"clean": 1.0, "accuracy": 0.5, "lost": 0.5, "flips": 1 / 3}
    assert some["models"]["tfidf"] == {"clean": 0.5, "accuracy": 0.75, "lost": -0.25, "flips": 1 / 3}
    assert (some["name"], some["title"], some["changed"]) == ("some", "Some", 3)
    assert some["example"] == {"before": "甲", "after": "乙"}


def test_where_nothing_changed_there_are_no_flips(told):
    none = told["disturbances"][1]
    assert none["models"]["teacher"] == {"clean": 1.0, "accuracy": 1.0, "lost": 0.0, "flips": None}
    assert none["example"] is None


def test_what_is_said_of_all(told):
    assert (told["rows"], told["seed"], told["models"]) == (4, 3, ["teacher", "tfidf"])
    assert told["empty"] == {
        "teacher": {"label": "财经", "probability": 0.7},
        "tfidf": {"label": "体育", "probability": 0.5},
    }
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_examples_of_real_disturbances_are_short_and_differ():
    for each in disturb(["股市大涨" * 50 + "，iPhone５发佈!", "快讯"]):
        before, after = each.example
        assert before != after
        assert max(len(before), len(after)) <= WIDTH + len("<U+200B>") * 3
        assert not set(before + after) & {"\u200b", "\u2060", "\ufeff", "\u00ad"}


def test_an_example_is_cut_around_the_first_difference():
    before, after = example_of("字" * 100 + "甲" + "字" * 100, "字" * 100 + "乙" + "字" * 100)
    assert before == "…" + "字" * 20 + "甲" + "字" * 37 + "…"
    assert after == before.replace("甲", "乙")
    assert example_of("甲乙", "甲\u200b乙") == ("甲乙", "甲<U+200B>乙")
    assert example_of("甲", "甲甲") == ("甲", "甲甲")
