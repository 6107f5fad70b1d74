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
    "max_accuracy_loss": lambda model: None if model.get("loss") is None else 100 * model["loss"]["at_most"],
}


def contradictions(verdict: Mapping[str, Any], summary: Mapping[str, Any]) -> Iterator[str]:
    """Name every judgement that cannot be.

    Args:
        verdict: verdict.json.
        summary: the sealed report's summary.json.
    """
    for each in verdict["budgets"]:
        place = f"{each['name']} of {each['model']}"
        yield from (f"{place}: {offence}" for offence in _of_itself(each, verdict["limits"]))
        yield from (f"{place}: {offence}" for offence in _of_report(each, summary.get("models", {})))
    judged = {each["name"] for each in verdict["budgets"]}
    for name, limit in sorted(verdict["limits"].items()):
        if name in judged and limit in (None, False):
            yield f"{name} is judged, and was not asked for"


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
    figure = SEALED.get(judgement["name"])
    model = models.get(judgement["model"])
    if figure is None or model is None or judgement["value"] is None:
        return
    sealed = figure(model)
    if sealed is not None and not isclose(judgement["value"], sealed, abs_tol=ROUNDING):
        yield f"judged at {judgement['value']}, the sealed report has {sealed}"
