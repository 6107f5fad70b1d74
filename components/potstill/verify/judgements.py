"""Whether each judgement of a verdict is what its own figures say, and whether the sealed report has the same figures.

What was timed or weighed in memory is told in the verdict alone: nothing sealed can be held against it.
"""

from collections.abc import Callable, Iterator, Mapping
from math import isclose
from typing import Any

Judgement = Mapping[str, Any]
ROUNDING = 1e-6  # of a bound that was computed, and of the limit that it was held against
MEGABYTE = 1e6
AT_MOST, AT_LEAST, ABOVE = "at most ", "at least ", "more than "
MET: Mapping[str, Callable[[float, float], bool]] = {
    AT_MOST: lambda value, limit: value <= limit + ROUNDING,
    AT_LEAST: lambda value, limit: value >= limit - ROUNDING,
    ABOVE: lambda value, limit: value > limit,
}
# budget: where the sealed summary has its figure for a model
SEALED: Mapping[str, Callable[[Mapping[str, Any]], float | None]] = {
    "min_accuracy": lambda model: model.get("accuracy"),
    "beat_tfidf": lambda model: model.get("accuracy"),
    "min_agreement": lambda model: model.get("agreement_pytorch"),
    "max_ece": lambda model: model.get("ece"),
    "max_unk_rate": lambda model: model.get("unk_rate"),
    "max_size_mb": lambda model: None if model.get("bytes") is None else model["bytes"] / MEGABYTE,
}


LIMITS = (
    *("max_accuracy_loss", "max_class_loss", "min_accuracy", "min_agreement", "beat_tfidf", "max_ece", "max_unk_rate"),
    *("max_robustness_loss", "max_size_mb", "max_memory_mb", "max_latency_p95_ms", "max_latency_ratio"),
    *("max_cold_start_ms", "confidence"),
)


def contradictions(verdict: Mapping[str, Any], summary: Mapping[str, Any]) -> Iterator[str]:
    """Name every judgement that cannot be.

    Args:
        verdict: verdict.json.
        summary: the sealed report's summary.json.
    """
    strange = [*_strange(verdict)]
    if strange:
        yield from strange
        return
    for each in verdict["budgets"]:
        place = f"{each['name']} of {each['model']}"
        yield from (f"{place}: {offence}" for offence in _of_itself(each, verdict["limits"]))
        yield from (f"{place}: {offence}" for offence in _of_report(each, summary.get("models", {})))
    yield from _not_as_asked(verdict, summary.get("models", {}))


def _strange(verdict: Mapping[str, Any]) -> Iterator[str]:
    """What is no figure, and budgets that nobody knows: neither can be held against anything."""
    for each in verdict["budgets"]:
        if not (_is_figure(each["value"]) and _is_figure(each["limit"])):
            yield f"{each['name']} of {each['model']}: value and limit must be numbers or null"
    for name, limit in sorted(verdict["limits"].items()):
        if name not in LIMITS:
            yield f"limits: {name} is no budget that this potstill knows"
        elif not (isinstance(limit, bool) if name == "beat_tfidf" else _is_figure(limit)):
            yield f"limits: {name} must be {'true or false' if name == 'beat_tfidf' else 'a number or null'}"


def _is_figure(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _not_as_asked(verdict: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[str]:
    """A budget that was asked for is judged where the report has its figure; one that was not, is not."""
    judged = {each["name"] for each in verdict["budgets"]}
    final = models.get(verdict["final"], {})
    for name, limit in sorted(verdict["limits"].items()):
        asked = limit not in (None, False)
        if name in judged and not asked:
            yield f"{name} is judged, and was not asked for"
        if asked and name not in judged and name in SEALED and SEALED[name](final) is not None:
            yield f"{name} was asked for and measured, and is not judged"


def _of_itself(judgement: Judgement, limits: Mapping[str, Any]) -> Iterator[str]:
    value, limit, passed = judgement["value"], judgement["limit"], judgement["verdict"] == "pass"
    asked = limits.get(judgement["name"])
    if judgement["name"] not in limits:
        yield "no such budget was asked for"
    elif isinstance(asked, int | float) and not isinstance(asked, bool) and limit != asked:
        yield f"judged by {limit}, asked for was {asked}"
    if value is None or limit is None:
        if passed:
            yield "a pass, of which nothing was measured"
        return
    met = next((fits for words, fits in MET.items() if judgement["wanted"].startswith(words)), None)
    if met is None:
        yield f"wanted is {judgement['wanted']!r}, which is no limit"
    elif passed and not met(value, limit):
        yield f"a pass, at {value} where wanted is {judgement['wanted']}"


def _of_report(judgement: Judgement, models: Mapping[str, Any]) -> Iterator[str]:
    """Hold a figure against the one that the sealed report has of the same model."""
    name, value, model = judgement["name"], judgement["value"], models.get(judgement["model"], {})
    if value is None:
        return
    sealed = SEALED[name](model) if name in SEALED else None
    if sealed is not None and not isclose(value, sealed, abs_tol=ROUNDING):
        yield f"judged at {value}, the sealed report has {sealed}"
    loss = model.get("loss")
    if name == "max_accuracy_loss" and loss and value + ROUNDING < _points_lost(loss):
        yield f"at most {value} points lost, the sealed report counts {_points_lost(loss)}"


def _points_lost(loss: Mapping[str, Any]) -> float:
    return 100 * float(loss["lost_rows"] - loss["gained_rows"]) / float(loss["rows"])
