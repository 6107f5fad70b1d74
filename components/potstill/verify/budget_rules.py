"""What validate's budgets ask of which models, made again from the figures with the standard library alone.

`potstill.validate.budgets` judges; tests hold these rules against it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Figures = Mapping[str, Any]
AT_MOST, AT_LEAST, ABOVE = "at most", "at least", "more than"
ROUNDING = 1e-9  # as in validate: 0.95 of rows may come out as 0.9499999999999998
MEGABYTE = 1_000_000
FLOAT = ("coreml_fp32", "coreml_fp16")  # exports that no phone would carry
INFORMATION_LOST = ("truncated",)  # the disturbance that is never held against a model


@dataclass(frozen=True)
class Unit:
    """How a figure is written: its name, its factor, what follows it, and its digits after the point."""

    name: str
    scale: float
    suffix: str
    digits: int

    def limit(self, value: float) -> str:
        """A limit as it was asked for."""
        return f"{self.scale * value:.6g}{self.suffix}"

    def figure(self, value: float, limit: float) -> str:
        """A figure that is held against a limit."""
        return shown(self.scale * value, self.digits, self.scale * limit) + self.suffix


POINTS, PERCENT = Unit("points", 1, " points", 2), Unit("share", 100, " %", 2)
ERROR, TIMES = Unit("share", 1, "", 4), Unit("×", 1, " × the teacher's", 3)
MB, MS = Unit("MB", 1, " MB", 3), Unit("ms", 1, " ms", 2)


@dataclass(frozen=True)
class Found:
    """A figure of one model, as a judgement tells it."""

    value: float
    words: str = ""
    where: str = ""
    detail: str = ""


Measure = Callable[[Figures, str], Iterable[Found]]


@dataclass(frozen=True)
class Rule:
    """One budget.

    Attributes:
        name: its key among the limits.
        bound: whether the limit is the most or the least.
        unit: of value and limit.
        measure: finds its figures of a model.
        exports: whether every exported file is judged, and not what phones carry alone.
    """

    name: str
    bound: str
    unit: Unit
    measure: Measure
    exports: bool = False

    def models(self, figures: Figures) -> list[str]:
        """The models that it is for."""
        models = figures["models"]
        carried = [name for name in models if is_export(name) and (self.exports or is_for_phones(name))]
        return carried or ["qat" if "qat" in models else "model"]

    def met(self, value: float, limit: float) -> bool:
        """Tell whether a figure keeps to the limit."""
        if self.bound == ABOVE:
            return value > limit
        return value <= limit + ROUNDING if self.bound == AT_MOST else value >= limit - ROUNDING

    def wanted(self, limit: float) -> str:
        """The limit in words."""
        if self.bound == ABOVE:
            return f"{self.bound} {self.unit.figure(limit, limit)}, which TF-IDF has"
        return f"{self.bound} {self.unit.limit(limit)}"


def is_export(name: str) -> bool:
    """Tell whether a model is an exported file."""
    return name.startswith(("onnx_", "coreml_"))


def is_for_phones(name: str) -> bool:
    """Tell whether a phone would carry it."""
    return name in ("onnx_int8", "onnx_int8_qdq") or (name.startswith("coreml_") and name not in FLOAT)


def shown(value: float, digits: int, limit: float) -> str:
    """Write a figure with so many digits, or more where it would look like a limit that it is not."""
    text = f"{value:.{digits}f}"
    return text if float(text) != float(f"{limit:.6g}") or value == limit else f"{value:.8g}"


def _own(key: str) -> Measure:
    """A figure of the model's own."""

    def measure(figures: Figures, name: str) -> Iterator[Found]:
        value = figures["models"].get(name, {}).get(key)
        if value is not None:
            yield Found(value)

    return measure


def _lost(figures: Figures, name: str) -> Iterator[Found]:
    """Whether losses were counted; the bound itself is held against them elsewhere."""
    if figures["models"].get(name, {}).get("loss"):
        yield Found(0.0)


def _lost_of_classes(figures: Figures, name: str) -> Iterator[Found]:
    loss = figures["models"].get(name, {}).get("loss") or {}
    if any(each["rows"] for each in loss.get("classes", [])):
        yield Found(0.0)


def _size(figures: Figures, name: str) -> Iterator[Found]:
    model = figures["models"].get(name, {})
    if model.get("bytes") is not None:
        parts = model.get("size_parts") or {}
        heaviest = max(parts, key=parts.__getitem__) if parts else ""
        detail = f"{heaviest} {parts[heaviest] / MEGABYTE:.3f} MB of it" if heaviest else ""
        yield Found(model["bytes"] / MEGABYTE, detail=detail)


def _latency(figures: Figures, name: str) -> Iterator[Found]:
    timed = (figures.get("latency") or {}).get("models", {})
    if name in timed:
        yield Found(timed[name]["p95_ms"], where=" on this machine")
    yield from _devices(figures, name, "p95_ms")


def _latency_ratio(figures: Figures, name: str) -> Iterator[Found]:
    timed = (figures.get("latency") or {}).get("models", {})
    if name in timed and "teacher" in timed and name != "teacher":
        own, teacher = timed[name]["p50_ms"], timed["teacher"]["p50_ms"]
        yield Found(own / teacher, detail=f"median {own:.2f} ms, the teacher's {teacher:.2f} ms")


def _memory(figures: Figures, name: str) -> Iterator[Found]:
    found = _footprint(figures, name)
    if found.get("added_mb") is not None:
        before = f"{found['runtime_mb']:.1f} MB of it before the model was opened"
        yield Found(
            found["added_mb"], where=" on this machine", detail=f"a peak of {found['peak_mb']:.1f} MB, {before}"
        )
    yield from _devices(figures, name, "memory_mb")


def _cold_start(figures: Figures, name: str) -> Iterator[Found]:
    found = _footprint(figures, name)
    if found.get("cold_start_ms") is not None:
        yield Found(found["cold_start_ms"], where=" on this machine")
    yield from _devices(figures, name, "cold_start_ms")


def _footprint(figures: Figures, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (figures.get("footprint") or {}).get("models", {}).get(name, {})
    return found


def _devices(figures: Figures, name: str, key: str) -> Iterator[Found]:
    for device in figures.get("devices") or []:
        if device["model"] == name and device[key] is not None:
            tokens = f", {device['tokens']} tokens" if device["tokens"] else ""
            system = f", {device['system']}" if device["system"] else ""
            yield Found(device[key], where=f" on {device['device']}{system}{tokens}")


def _robustness(figures: Figures, name: str) -> Iterator[Found]:
    """What the worst disturbance costs beyond what it costs the reference."""
    found = (figures.get("robustness") or {}).get("disturbances", [])
    kept = [each for each in found if each["name"] not in INFORMATION_LOST and name in each["models"]]
    if kept:
        reference = figures["reference"]
        worst = max(kept, key=lambda each: _beyond(each, name, reference))
        shares, beyond = worst["models"][name], 100 * _beyond(worst, name, reference)
        allowed = 100 * shares["lost"] - beyond
        words = f"{beyond:.2f} points beyond the {allowed:.2f} of {reference}" if allowed else ""
        change = f"{100 * shares['clean']:.2f} % to {100 * shares['accuracy']:.2f} %"
        yield Found(beyond, words, detail=f"{worst['title']}: {change} of {figures['robustness']['rows']:,} rows")


def _beyond(disturbance: Mapping[str, Any], name: str, reference: str) -> float:
    models = disturbance["models"]
    allowed = max(0.0, float(models.get(reference, {}).get("lost", 0.0))) if name != reference else 0.0
    return float(models[name]["lost"]) - allowed


RULES = (
    Rule("max_accuracy_loss", AT_MOST, POINTS, _lost),
    Rule("max_class_loss", AT_MOST, POINTS, _lost_of_classes),
    Rule("min_accuracy", AT_LEAST, PERCENT, _own("accuracy")),
    Rule("min_agreement", AT_LEAST, PERCENT, _own("agreement_pytorch"), exports=True),
    Rule("beat_tfidf", ABOVE, PERCENT, _own("accuracy")),
    Rule("max_ece", AT_MOST, ERROR, _own("ece")),
    Rule("max_unk_rate", AT_MOST, PERCENT, _own("unk_rate")),
    Rule("max_robustness_loss", AT_MOST, POINTS, _robustness),
    Rule("max_size_mb", AT_MOST, MB, _size),
    Rule("max_memory_mb", AT_MOST, MB, _memory),
    Rule("max_latency_p95_ms", AT_MOST, MS, _latency),
    Rule("max_latency_ratio", AT_MOST, TIMES, _latency_ratio),
    Rule("max_cold_start_ms", AT_MOST, MS, _cold_start),
)
LOSSES = ("max_accuracy_loss", "max_class_loss")  # decided by a bound, not by the figure
UNSEALED = ("max_memory_mb", "max_latency_p95_ms", "max_latency_ratio", "max_cold_start_ms")
