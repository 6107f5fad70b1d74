"""Contradictions that the very key may be put under: verdicts whose judgements the report does not lead to."""

from collections.abc import Callable
from typing import Any

from potstill.evidence.layout import FIGURES, VERDICT
from tests.contradictions import contradiction
from tests.forging import Bundle, edit

FINAL = "onnx_int8"


def _told(bundle: Bundle, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the verdict and the figures alike."""
    for name in (VERDICT, FIGURES):
        edit(bundle, name, change)


def _judged(bundle: Bundle, budget: str, **other: Any) -> None:
    """Change every judgement of a budget."""
    _told(bundle, lambda body: [each.update(other) for each in body["budgets"] if each["name"] == budget])


def _forgotten(budget: str, model: str = "") -> None:
    """Register a verdict without the judgements of a budget, of one model or of all."""

    def forget(bundle, forge):
        def change(body: dict[str, Any]) -> None:
            kept = [each for each in body["budgets"] if each["name"] != budget or model not in each["model"]]
            body.update(budgets=kept)

        _told(bundle, change)

    forget.__name__ = f"a_verdict_without_{budget}{f'_of_{model}' if model else ''}"
    contradiction(f"{budget} was asked for and measured of")(forget)


for _name in (
    *("max_accuracy_loss", "max_class_loss", "min_agreement", "beat_tfidf", "max_ece", "max_unk_rate"),
    *("max_robustness_loss", "max_memory_mb", "max_latency_p95_ms", "max_latency_ratio"),
):
    _forgotten(_name)
for _model in (FINAL, "coreml_int8"):
    _forgotten("max_size_mb", _model)
    _forgotten("max_accuracy_loss", _model)


@contradiction("is judged of teacher")
def _the_teacher_in_the_place_of_the_model(bundle, forge):
    _judged(bundle, "max_ece", model="teacher")


@contradiction("is judged of ghost")
def _a_model_that_is_not_in_the_report(bundle, forge):
    _judged(bundle, "beat_tfidf", model="ghost", value=0.999, measured="99.90 %")


@contradiction("is judged of ghost")
def _the_loss_of_a_model_that_is_not_in_the_report(bundle, forge):
    _judged(bundle, "max_accuracy_loss", model="ghost", value=0.0)


@contradiction("is judged of onnx_fp32")
def _a_larger_model_that_is_better(bundle, forge):
    _judged(bundle, "max_ece", model="onnx_fp32")


@contradiction("a pass, at 30")
def _a_limit_turned_round(bundle, forge):
    _judged(bundle, "max_accuracy_loss", value=30.0, wanted="at least 2 points", measured="at most 30.00 points lost")


@contradiction("wanted is 'at most 0.01 points (certified)'")
def _a_stricter_limit_in_words(bundle, forge):
    _judged(bundle, "max_accuracy_loss", wanted="at most 0.01 points (certified)")


@contradiction("measured is '0.0001'")
def _a_better_figure_in_words(bundle, forge):
    _judged(bundle, "max_ece", measured="0.0001")


@contradiction("measured is '99.90 %'")
def _a_better_accuracy_in_words(bundle, forge):
    _judged(bundle, "beat_tfidf", measured="99.90 %")


@contradiction("detail is 'nothing to see'")
def _another_detail(bundle, forge):
    _judged(bundle, "max_size_mb", detail="nothing to see")


@contradiction("unit is 'KB'")
def _another_unit(bundle, forge):
    _judged(bundle, "max_size_mb", unit="KB")


@contradiction("TF-IDF has 0.78")
def _a_rival_of_straw(bundle, forge):
    _judged(bundle, "beat_tfidf", limit=0.0, wanted="more than 0.00 %, which TF-IDF has")


@contradiction("which its rows do not prove")
def _a_class_that_lost_nothing(bundle, forge):
    _told(bundle, lambda body: _class_loss(body, "98.75"))


def _class_loss(body: dict[str, Any], level: str) -> None:
    words = f"at most 0.00 points of '体育' lost ({level} % bound, Holm)"
    for each in body["budgets"]:
        if each["name"] == "max_class_loss":
            each.update(value=0.0, measured=words)


@contradiction("which tells of no class what the figures say")
def _a_class_that_lost_nothing_in_words_of_another_level(bundle, forge):
    _told(bundle, lambda body: _class_loss(body, "50"))


@contradiction("do not prove")
def _a_bound_that_is_what_was_counted(bundle, forge):
    level = "95 % bound; 0.30 points measured"
    _judged(bundle, "max_accuracy_loss", value=0.31, measured=f"at most 0.31 points lost ({level})")


@contradiction("confidence")
def _a_bound_that_is_true_once_in_a_hundred_times(bundle, forge):
    edit(bundle, VERDICT, lambda body: (body["limits"].update(confidence=0.01), body.update(confidence=0.01)))


@contradiction("verdict.json judged by")
def _no_limits_and_no_judgement(bundle, forge):
    def free(body: dict[str, Any]) -> None:
        confidence = body["limits"]["confidence"]
        body["limits"] = {**dict.fromkeys(body["limits"]), "beat_tfidf": False, "confidence": confidence}

    edit(bundle, VERDICT, free)
    _told(bundle, lambda body: body.update(budgets=[], failures=[]))


@contradiction("verdict.json judged by max_latency_p95_ms")
def _a_limit_that_nothing_breaks(bundle, forge):
    edit(bundle, VERDICT, lambda body: body["limits"].update(max_latency_p95_ms=1e9))
    _judged(bundle, "max_latency_p95_ms", limit=1e9, value=99999.0, wanted="at most 1e+09 ms", measured="99999.00 ms")


@contradiction("figures.json has")
def _a_latency_that_the_figures_do_not_tell(bundle, forge):
    _judged(bundle, "max_latency_p95_ms", value=0.5, measured="0.50 ms on this machine")


@contradiction("is judged, and was not asked for")
def _a_budget_that_nobody_asked_for(bundle, forge):
    def more(body: dict[str, Any]) -> None:
        body["budgets"].append({**body["budgets"][0], "name": "min_accuracy"})

    _told(bundle, more)


@contradiction("no budget that this potstill knows")
def _a_budget_of_their_own(bundle, forge):
    _told(bundle, lambda body: body["budgets"].append({**body["budgets"][0], "name": "max_beauty"}))


@contradiction("and is judged of")
def _a_judgement_twice(bundle, forge):
    _told(bundle, lambda body: body["budgets"].append(body["budgets"][0]))
