"""What was measured for a budget, of one model: on this machine, and on every device that was given."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from potstill.measure.size import MEGABYTE
from potstill.validate.budgets.judgement import Outcome

Figures = Mapping[str, Any]
HERE = " on this machine"  # which is no phone
INFORMATION_LOST = ("truncated",)  # what is cut off no model can read: reported, never held against one


@dataclass(frozen=True)
class Measured:
    """One figure.

    Attributes:
        value: in the budget's unit.
        words: the same for a person, unless the unit's own way of writing does.
        where: " on iPhone 15, iOS 18.1" where it is not this machine.
        detail: what decides.
        verdict: that of a statistical test; None: the limit decides.
        within: where the test cannot tell, whether the figure as seen is within the limit.
    """

    value: float
    words: str = ""
    where: str = ""
    detail: str = ""
    verdict: Outcome | None = None
    within: bool = True


def figure(key: str, scale: float = 1.0) -> Any:
    """Measure by a figure of the model's own."""

    def measure(figures: Figures, name: str) -> Iterator[Measured]:
        value = figures["models"].get(name, {}).get(key)
        if value is not None:
            yield Measured(value * scale)

    return measure


def size(figures: Figures, name: str) -> Iterator[Measured]:
    """Megabytes on disk, with the part that weighs most."""
    model = figures["models"].get(name, {})
    if model.get("bytes") is not None:
        parts = model.get("size_parts") or {}
        heaviest = max(parts, key=parts.__getitem__) if parts else ""
        detail = f"{heaviest} {parts[heaviest] / MEGABYTE:.3f} MB of it" if heaviest else ""
        yield Measured(model["bytes"] / MEGABYTE, detail=detail)


def latency(figures: Figures, name: str) -> Iterator[Measured]:
    """Milliseconds of the slowest twentieth."""
    timed = (figures.get("latency") or {}).get("models", {})
    if name in timed:
        yield Measured(timed[name]["p95_ms"], where=HERE)
    yield from _devices(figures, name, "p95_ms")


def memory(figures: Figures, name: str) -> Iterator[Measured]:
    """Megabytes at the peak."""
    for value, of_it in _footprint(figures, name, "added_mb"):
        peak = f"a peak of {of_it['peak_mb']:.1f} MB, {of_it['runtime_mb']:.1f} MB of it before the model was opened"
        yield Measured(value, where=HERE, detail=peak)
    yield from _devices(figures, name, "memory_mb")


def cold_start(figures: Figures, name: str) -> Iterator[Measured]:
    """Milliseconds to the first answer."""
    for value, _ in _footprint(figures, name, "cold_start_ms"):
        yield Measured(value, where=HERE)
    yield from _devices(figures, name, "cold_start_ms")


def latency_ratio(figures: Figures, name: str) -> Iterator[Measured]:
    """Median latency as a part of the teacher's."""
    timed = (figures.get("latency") or {}).get("models", {})
    if name in timed and "teacher" in timed and name != "teacher":
        own, teacher = timed[name]["p50_ms"], timed["teacher"]["p50_ms"]
        yield Measured(own / teacher, detail=f"median {own:.2f} ms, the teacher's {teacher:.2f} ms")


def robustness(figures: Figures, name: str) -> Iterator[Measured]:
    """Points lost under the worst disturbance that leaves the text readable, beyond what the reference loses."""
    found = (figures.get("robustness") or {}).get("disturbances", [])
    kept = [each for each in found if each["name"] not in INFORMATION_LOST and name in each["models"]]
    if kept:
        reference = figures.get("reference", "")
        worst = max(kept, key=lambda each: _lost_beyond(each, name, reference))
        shares, beyond = worst["models"][name], 100 * _lost_beyond(worst, name, reference)
        allowed = 100 * shares["lost"] - beyond
        words = f"{beyond:.2f} points beyond the {allowed:.2f} of {reference}" if allowed else ""
        change = f"{100 * shares['clean']:.2f} % to {100 * shares['accuracy']:.2f} %"
        yield Measured(beyond, words, detail=f"{worst['title']}: {change} of {figures['robustness']['rows']:,} rows")


def _lost_beyond(disturbance: Mapping[str, Any], name: str, reference: str) -> float:
    """What a disturbance costs a model that it does not cost the reference: of that the smaller model is to blame."""
    allowed = _lost(disturbance, reference) if name != reference else 0.0
    return float(disturbance["models"][name]["lost"]) - allowed


def _lost(disturbance: Mapping[str, Any], name: str) -> float:
    """What it costs, 0 where it was not asked or does not suffer."""
    return max(0.0, float(disturbance["models"].get(name, {}).get("lost", 0.0)))


def _footprint(figures: Figures, name: str, key: str) -> Iterator[tuple[float, Mapping[str, Any]]]:
    """The figure, and all that was measured with it."""
    found = (figures.get("footprint") or {}).get("models", {}).get(name, {})
    if found.get(key) is not None:
        yield found[key], found


def _devices(figures: Figures, name: str, key: str) -> Iterator[Measured]:
    for device in figures.get("devices") or []:
        if device["model"] == name and device[key] is not None:
            tokens = f", {device['tokens']} tokens" if device["tokens"] else ""
            system = f", {device['system']}" if device["system"] else ""
            yield Measured(device[key], where=f" on {device['device']}{system}{tokens}")
