"""Budgets: every one met, every one failed, what cannot be told, and what was not measured."""

import re
from functools import partial
from pathlib import Path

import pytest

from potstill.errors import VerdictError
from potstill.validate.budgets import Budgets, failures_of, judge_budgets, read_budgets, verdict_of
from potstill.validate.budgets.advice import ADVICE
from potstill.validate.budgets.judgement import Judgement
from potstill.validate.budgets.judging import MISSING
from potstill.validate.gate import require_pass
from tests.report_figures import LABELS, PER_CLASS, ROWS, device, report_figures

EVERY = tuple(name for name in Budgets.model_fields if name != "confidence")
ASKED = {"min_accuracy": 0.8, "max_cold_start_ms": 500.0}  # those that have no default
STAGES = ["teacher_train", "distill", "prune", "qat", "onnx_export", "coreml_export", "tokenize"]


def lose(figures, lost, gained=0, rows=ROWS, classes=None):
    """Rewrite what ONNX int8 lost."""
    told = figures["models"]["onnx_int8"]["loss"]
    told |= {"lost_rows": lost, "gained_rows": gained, "rows": rows}
    if classes:
        told["classes"] = [
            {"label": label, "lost_rows": lost, "gained_rows": gained, "rows": rows}
            for label, (lost, gained, rows) in classes.items()
        ]


def put(figures, key, value):
    figures["models"]["onnx_int8"][key] = value


def disturb(figures, lost):
    shares = figures["robustness"]["disturbances"][0]["models"]["onnx_int8"]
    shares |= {"lost": lost, "accuracy": shares["clean"] - lost}


def time(figures, key, value):
    figures["latency"]["models"]["onnx_int8"][key] = value


def weigh(figures, key, value):
    figures["footprint"]["models"]["onnx_int8"][key] = value


def rival(figures, accuracy):
    figures["models"]["tfidf"]["accuracy"] = accuracy
    figures["models"]["coreml_int8"]["accuracy"] = accuracy + 0.001


SOUND = dict.fromkeys(LABELS, (20, 10, PER_CLASS))
BROKEN = {
    "max_accuracy_loss": (partial(lose, lost=400, gained=50), "lost", "at most 2 points"),
    "max_class_loss": (
        partial(lose, lost=70, gained=40, classes=SOUND | {"教育": (300, 10, PER_CLASS)}),
        "'教育'",
        "at most 5 points",
    ),
    "min_accuracy": (partial(put, key="accuracy", value=0.79), "79.00 %", "at least 80 %"),
    "min_agreement": (partial(put, key="agreement_pytorch", value=0.94), "94.00 %", "at least 95 %"),
    "beat_tfidf": (partial(rival, accuracy=0.867), "86.70 %", "more than 86.70 %, which TF-IDF has"),
    "max_ece": (partial(put, key="ece", value=0.12), "0.1200", "at most 0.1"),
    "max_unk_rate": (partial(put, key="unk_rate", value=0.03), "3.00 %", "at most 2 %"),
    "max_robustness_loss": (partial(disturb, lost=0.15), "12.00 points", "at most 10 points"),
    "max_size_mb": (partial(put, key="bytes", value=21_500_000), "21.500 MB", "at most 20 MB"),
    "max_memory_mb": (partial(weigh, key="added_mb", value=140.0), "140.000 MB", "at most 100 MB"),
    "max_latency_p95_ms": (partial(time, key="p95_ms", value=80.0), "80.00 ms", "at most 62 ms"),
    "max_latency_ratio": (
        partial(time, key="p50_ms", value=4.0),
        "0.500 × the teacher's",
        "at most 0.25 × the teacher's",
    ),
    "max_cold_start_ms": (partial(weigh, key="cold_start_ms", value=900.0), "900.00 ms", "at most 500 ms"),
}


def judge(figures, **limits):
    return judge_budgets(figures, Budgets(**limits))


def of(judgements, name, model="onnx_int8"):
    return [each for each in judgements if (each["name"], each["model"]) == (name, model)]


def test_a_release_that_meets_every_budget_passes():
    judgements = judge(report_figures(), **ASKED)
    assert {each["name"] for each in judgements} == set(EVERY)
    assert verdict_of(judgements) == "pass"
    assert failures_of(judgements) == []
    assert all(each["advice"] == "" for each in judgements)
    assert all(Judgement.model_validate(each) for each in judgements)
    require_pass("pass", "")


def test_every_budget_can_be_broken_and_is_advised_on():
    assert set(BROKEN) == set(EVERY) == set(ADVICE)
    assert set(MISSING) <= set(EVERY)


@pytest.mark.parametrize("name", EVERY)
def test_each_budget_that_fails_is_named_with_value_limit_and_advice(name):
    figures, (breaks, measured, wanted) = report_figures(), BROKEN[name]
    breaks(figures)
    judgements = judge(figures, **ASKED)
    assert {each["name"] for each in judgements if each["verdict"] == "fail"} == {name}
    assert verdict_of(judgements) == "fail"
    (line,) = failures_of(judgements)
    assert line.startswith(f"{name}: onnx_int8 has ")
    assert measured in line
    assert f"wanted {wanted}" in line
    assert line.endswith(f"Try: {ADVICE[name]}")
    (judgement,) = [each for each in judgements if each["verdict"] == "fail"]
    assert judgement["value"] is not None
    assert judgement["limit"] is not None
    with pytest.raises(VerdictError, match=rf"the verdict is 'fail'.*\n  {name}: onnx_int8"):
        require_pass("fail", line)


@pytest.mark.parametrize("name", [name for name in EVERY if name != "beat_tfidf"])
def test_a_budget_that_is_null_judges_nothing(name):
    figures = report_figures()
    BROKEN[name][0](figures)
    limits = {each: None if each == name else value for each, value in ({name: None} | ASKED).items()}
    judgements = judge(figures, **limits)
    assert of(judgements, name) == []
    assert verdict_of(judgements) == "pass"


@pytest.mark.parametrize("name", ["max_accuracy_loss", "max_class_loss", "max_ece", "max_unk_rate"])
def test_a_budget_of_nothing_is_one(name):
    judgements = of(judge(report_figures(), **ASKED | {name: 0}), name)
    assert judgements
    assert not any(each["verdict"] == "pass" for each in judgements)


def test_no_rival_is_judged_where_none_is_to_be_beaten():
    figures = report_figures()
    put(figures, "accuracy", 0.5)
    assert verdict_of(judge(figures, beat_tfidf=False)) == "pass"


def test_too_few_rows_are_inconclusive_and_tell_how_many_would_decide():
    figures = report_figures()
    lose(figures, lost=8, gained=5, rows=300)
    judgements = judge(figures)
    (judgement,) = of(judgements, "max_accuracy_loss")
    assert judgement["verdict"] == verdict_of(judgements) == "inconclusive"
    assert judgement["value"] > judgement["limit"] == 2
    assert re.search(r"; [\d,]+ rows would decide$", judgement["detail"])
    (line,) = failures_of(judgements)
    assert line.startswith("max_accuracy_loss (inconclusive): onnx_int8 has at most")
    assert "more labelled test rows" in line
    with pytest.raises(VerdictError, match=r"'inconclusive', which is not a pass(.|\n)*rows would decide"):
        require_pass("inconclusive", line)


def test_what_leans_beyond_the_margin_is_advised_on_the_model_too():
    figures = report_figures()
    lose(figures, lost=12, gained=3, rows=300)
    (judgement,) = of(judge(figures), "max_accuracy_loss")
    assert judgement["verdict"] == "inconclusive"
    assert judgement["advice"].startswith(ADVICE["max_accuracy_loss"])


def test_a_small_class_is_inconclusive_and_named():
    figures = report_figures()
    lose(figures, lost=70, gained=40, classes=SOUND | {"教育": (1, 0, 40)})
    judgements = judge(figures)
    (judgement,) = of(judgements, "max_class_loss")
    assert judgement["verdict"] == verdict_of(judgements) == "inconclusive"
    assert "'教育' (40 rows)" in judgement["detail"]
    assert "rows of it would decide" in judgement["detail"]
    assert "'体育'" not in judgement["detail"]


def test_a_class_that_fails_rules_over_one_that_cannot_be_told():
    figures = report_figures()
    lose(figures, lost=70, gained=40, classes=SOUND | {"教育": (1, 0, 40), "财经": (400, 0, PER_CLASS)})
    (judgement,) = of(judge(figures), "max_class_loss")
    assert judgement["verdict"] == "fail"
    assert judgement["detail"].index("'财经'") < judgement["detail"].index("'教育'")


def test_a_class_without_rows_is_not_judged():
    figures = report_figures()
    lose(figures, lost=70, gained=40, classes=SOUND | {"教育": (0, 0, 0)})
    assert verdict_of(judge(figures)) == "pass"


def test_a_failure_rules_over_what_cannot_be_told():
    figures = report_figures()
    lose(figures, lost=8, gained=5, rows=300)
    put(figures, "ece", 0.5)
    judgements = judge(figures)
    assert verdict_of(judgements) == "fail"
    first, second = failures_of(judgements)
    assert first.startswith("max_ece:")
    assert second.startswith("max_accuracy_loss (inconclusive):")


def test_many_classes_that_decide_are_counted():
    figures = report_figures()
    lose(figures, lost=70, gained=40, classes=dict.fromkeys("abcdef", (400, 0, PER_CLASS)))
    (judgement,) = of(judge(figures), "max_class_loss")
    assert judgement["detail"].endswith("and 3 more")


def test_every_compressed_export_is_judged_and_every_export_agrees():
    judgements = judge(report_figures())
    assert {each["model"] for each in judgements if each["name"] == "max_size_mb"} == {"onnx_int8", "coreml_int8"}
    agreeing = {each["model"] for each in judgements if each["name"] == "min_agreement"}
    assert agreeing == {"onnx_fp32", "onnx_int8", "coreml_fp16", "coreml_int8"}


@pytest.mark.parametrize(("names", "own"), [(("teacher", "float", "qat"), "qat"), (("teacher", "model"), "model")])
def test_without_exports_the_model_itself_is_judged(names, own):
    figures = report_figures()
    told = figures["models"] | {"model": figures["models"]["pruned"]}
    figures |= {"models": {name: told[name] for name in names}, "final": own}
    judgements = judge(figures)
    assert {each["model"] for each in judgements} == {own}
    assert verdict_of(judgements) == "pass"


@pytest.mark.parametrize("name", EVERY)
def test_what_was_not_measured_is_left_out_by_default_and_failed_when_asked_for(name):
    figures = report_figures()
    for model in figures["models"].values():
        model |= {"loss": None, "ece": None, "unk_rate": None, "bytes": None, "agreement_pytorch": None}
    figures |= {"latency": {"models": {}}, "footprint": {"models": {}}, "robustness": None}
    figures["models"]["tfidf"].pop("accuracy")
    del figures["models"]["tfidf"]
    figures["models"]["onnx_int8"]["accuracy"] = figures["models"]["coreml_int8"]["accuracy"] = None
    (unknown,) = judge(figures)  # who knows nothing of the loss has not passed
    assert (unknown["name"], unknown["verdict"]) == ("max_accuracy_loss", "inconclusive")
    assert judge(figures, max_accuracy_loss=None) == []
    limit = {"beat_tfidf": True}.get(name, 0.5)
    judgements = judge(figures, **{"max_accuracy_loss": None, name: limit})
    assert [(each["name"], each["model"], each["verdict"]) for each in judgements] == [(name, "onnx_int8", "fail")]
    assert "nothing was measured, wanted " in failures_of(judgements)[0]
    assert "Try: " in failures_of(judgements)[0]


def test_a_device_is_judged_besides_this_machine():
    figures = report_figures()
    figures["devices"] = [device("onnx_int8", device="Pixel 4", system="Android, API level 33", p95_ms=70.0)]
    here, there = of(judge(figures), "max_latency_p95_ms")
    assert (here["verdict"], there["verdict"]) == ("pass", "fail")
    assert there["measured"] == "70.00 ms on Pixel 4, Android, API level 33, 32 tokens"
    assert of(judge(figures), "max_memory_mb")[1]["value"] == 70.0


def test_core_ml_is_timed_by_devices_alone():
    figures = report_figures()
    assert of(judge(figures), "max_latency_p95_ms", "coreml_int8") == []
    figures["devices"] = [device(memory_mb=None)]
    assert of(judge(figures), "max_latency_p95_ms", "coreml_int8")[0]["measured"].startswith("6.00 ms on iPhone 15")
    assert of(judge(figures), "max_memory_mb", "coreml_int8") == []


def test_truncation_takes_information_away_and_is_not_held_against_a_model():
    figures = report_figures()
    (judgement,) = of(judge(figures), "max_robustness_loss")
    assert judgement["detail"].startswith("Homophone typed: ")
    assert judgement["value"] == pytest.approx(0.0)


def test_a_disturbance_is_held_against_a_model_beyond_what_it_costs_the_teacher():
    figures = report_figures()
    disturb(figures, lost=0.08)
    (judgement,) = of(judge(figures), "max_robustness_loss")
    assert judgement["value"] == pytest.approx(5.0)
    assert judgement["measured"] == "5.00 points beyond the 3.00 of teacher"
    del figures["robustness"]["disturbances"][0]["models"]["teacher"]
    (judgement,) = of(judge(figures), "max_robustness_loss")
    assert judgement["value"] == pytest.approx(8.0)


def test_a_figure_equal_to_its_limit_meets_it():
    figures = report_figures()
    put(figures, "agreement_pytorch", 1 - 0.05 - 1e-16)
    put(figures, "bytes", 20_000_000)
    assert verdict_of(judge(figures)) == "pass"


def test_a_figure_beyond_its_limit_never_looks_like_it():
    figures = report_figures()
    put(figures, "bytes", 20_000_001)
    (line,) = failures_of(judge(figures))
    assert "20.000001 MB, wanted at most 20 MB" in line
    lose(figures, lost=70, gained=40)
    (loss,) = of(judge(figures, max_accuracy_loss=0.486), "max_accuracy_loss")
    assert loss["measured"].startswith("at most 0.4")


def test_the_page_shows_lines_as_they_come():
    figures = report_figures()
    put(figures, "bytes", 21_500_000)
    put(figures, "size_parts", {"embeddings": 10_000_000, "encoder": 10_750_000, "head": 1, "other": 749_999})
    lose(figures, lost=8, gained=5, rows=300)
    text = " ".join((Path(__file__).parents[2] / "docs/validate/budgets.md").read_text(encoding="utf-8").split())
    for line in failures_of(judge(figures)):
        assert line.split(" Try: ")[0] in text


def test_advice_names_options_that_exist():
    from importlib import import_module

    known = {stage.replace("_", "-"): _options(import_module(f"potstill.{stage}")) for stage in STAGES}
    named = [found for advice in ADVICE.values() for found in re.findall(r"([a-z-]+) --([a-z-]+)", advice)]
    assert len(named) > 15
    assert [(stage, option) for stage, option in named if option not in known[stage]] == []


def _options(module):
    (config,) = [getattr(module, name) for name in module.__all__ if name.endswith("Config")]
    return {name.replace("_", "-") for name in config.__dataclass_fields__}


def test_limits_read_from_yaml_judge_the_same():
    figures = report_figures()
    assert judge_budgets(figures, read_budgets("max_size_mb: 5")) == judge(figures, max_size_mb=5.0)
    assert verdict_of(judge_budgets(figures, read_budgets("max_size_mb: 5"))) == "fail"
