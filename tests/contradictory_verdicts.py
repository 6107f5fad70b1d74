"""Contradictions that the very key may be put under: verdicts whose judgements the report does not lead to."""

from itertools import product
from typing import Any

from potstill.evidence.layout import FIGURES, VERDICT
from tests.contradictions import Change, contradiction, register_all
from tests.forging import Bundle, edit

MEASURED = (
    *("max_accuracy_loss", "max_class_loss", "min_agreement", "beat_tfidf", "max_ece", "max_unk_rate"),
    *("max_robustness_loss", "max_memory_mb", "max_latency_p95_ms", "max_latency_ratio"),
)
FORGOTTEN = (  # (budget, model); without a model, of all
    *product(MEASURED, [""]),
    *product(("max_size_mb", "max_accuracy_loss"), ("onnx_int8", "coreml_int8")),
)


def _tell(bundle: Bundle, change: Change) -> None:
    """Change the verdict and the figures alike."""
    for name in (VERDICT, FIGURES):
        edit(bundle, name, change)


def _judged(budget: str, **other: Any) -> Change:
    """Every judgement of a budget says something else."""
    return lambda body: [each.update(other) for each in body["budgets"] if each["name"] == budget]


def _without(budget: str, model: str) -> Change:
    """The judgements of a budget are gone, of one model or of all."""

    def forget(body: dict[str, Any]) -> None:
        kept = [each for each in body["budgets"] if each["name"] != budget or model not in each["model"]]
        body.update(budgets=kept)

    return forget


def _one_more(**other: Any) -> Change:
    """The first judgement stands a second time, and says something else there."""
    return lambda body: body["budgets"].append({**body["budgets"][0], **other})


def _class_loss(level: str) -> Change:
    """No class lost anything, by a bound of this level: so it says in words."""
    return _judged("max_class_loss", value=0.0, measured=f"at most 0.00 points of '体育' lost ({level} % bound, Holm)")


TOLD = {  # what is told in verdict and figures alike: what the verifier must say of it, and how it is told
    **{
        f"a_verdict_without_{budget}{f'_of_{model}' if model else ''}": (
            f"{budget} was asked for and measured of",
            _without(budget, model),
        )
        for budget, model in FORGOTTEN
    },
    "the_teacher_in_the_place_of_the_model": ("is judged of teacher", _judged("max_ece", model="teacher")),
    "a_model_that_is_not_in_the_report": (
        "is judged of ghost",
        _judged("beat_tfidf", model="ghost", value=0.999, measured="99.90 %"),
    ),
    "the_loss_of_a_model_that_is_not_in_the_report": (
        "is judged of ghost",
        _judged("max_accuracy_loss", model="ghost", value=0.0),
    ),
    "a_larger_model_that_is_better": ("is judged of onnx_fp32", _judged("max_ece", model="onnx_fp32")),
    "a_limit_turned_round": (
        "a pass, at 30",
        _judged("max_accuracy_loss", value=30.0, wanted="at least 2 points", measured="at most 30.00 points lost"),
    ),
    "a_stricter_limit_in_words": (
        "wanted is 'at most 0.01 points (certified)'",
        _judged("max_accuracy_loss", wanted="at most 0.01 points (certified)"),
    ),
    "a_better_figure_in_words": ("measured is '0.0001'", _judged("max_ece", measured="0.0001")),
    "a_better_accuracy_in_words": ("measured is '99.90 %'", _judged("beat_tfidf", measured="99.90 %")),
    "another_detail": ("detail is 'nothing to see'", _judged("max_size_mb", detail="nothing to see")),
    "another_unit": ("unit is 'KB'", _judged("max_size_mb", unit="KB")),
    "a_rival_of_straw": (
        "TF-IDF has 0.78",
        _judged("beat_tfidf", limit=0.0, wanted="more than 0.00 %, which TF-IDF has"),
    ),
    "a_class_that_lost_nothing": ("which its rows do not prove", _class_loss("98.75")),
    "a_class_that_lost_nothing_in_words_of_another_level": (
        "which tells of no class what the figures say",
        _class_loss("50"),
    ),
    "a_bound_that_is_what_was_counted": (
        "do not prove",
        _judged(
            "max_accuracy_loss", value=0.31, measured="at most 0.31 points lost (95 % bound; 0.30 points measured)"
        ),
    ),
    "a_latency_that_the_figures_do_not_tell": (
        "figures.json has",
        _judged("max_latency_p95_ms", value=0.5, measured="0.50 ms on this machine"),
    ),
    "a_budget_that_nobody_asked_for": ("is judged, and was not asked for", _one_more(name="min_accuracy")),
    "a_budget_of_their_own": ("no budget that this potstill knows", _one_more(name="max_beauty")),
    "a_judgement_twice": ("and is judged of", _one_more()),
}


register_all(TOLD, _tell)


@contradiction("confidence")
def _a_bound_that_is_true_once_in_a_hundred_times(bundle, forge):
    edit(bundle, VERDICT, lambda body: (body["limits"].update(confidence=0.01), body.update(confidence=0.01)))


@contradiction("verdict.json judged by")
def _no_limits_and_no_judgement(bundle, forge):
    def free(body: dict[str, Any]) -> None:
        confidence = body["limits"]["confidence"]
        body["limits"] = {**dict.fromkeys(body["limits"]), "beat_tfidf": False, "confidence": confidence}

    edit(bundle, VERDICT, free)
    _tell(bundle, lambda body: body.update(budgets=[], failures=[]))


@contradiction("verdict.json judged by max_latency_p95_ms")
def _a_limit_that_nothing_breaks(bundle, forge):
    edit(bundle, VERDICT, lambda body: body["limits"].update(max_latency_p95_ms=1e9))
    words = {"wanted": "at most 1e+09 ms", "measured": "99999.00 ms"}
    _tell(bundle, _judged("max_latency_p95_ms", limit=1e9, value=99999.0, **words))
