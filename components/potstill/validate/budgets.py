"""Budgets: what is asked of the model, what was measured, and whether it is met."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from potstill.measure.size import MEGABYTE
from potstill.validate.candidates import FOR_PHONES, is_export
from potstill.validate.config import ValidateConfig

Models = Mapping[str, Mapping[str, Any]]
AT_MOST, AT_LEAST, ABOVE = "at most", "at least", "more than"
ROUNDING = 1e-9  # 86.0 % - 85.0 % is 1.0000000000000009 points in floating point, and meets a budget of 1


@dataclass(frozen=True)
class Budget:
    """One budget, held against one model.

    Attributes:
        name: the option that asks for it.
        model: the model that it judges.
        wanted: the bound in words: "at most 7.5 MB".
        measured: the figure in words, or why there is none.
        met: whether it is met; False where nothing was measured.
    """

    name: str
    model: str
    wanted: str
    measured: str
    met: bool

    def __str__(self) -> str:
        return f"{self.name}: {self.model} has {self.measured}, wanted {self.wanted}"


@dataclass(frozen=True)
class _Rule:
    name: str
    judged: Sequence[str]
    bound: str
    limit: float | None
    measure: Callable[[str], float | None]
    format: Callable[[float], str]


def judge_budgets(models: Models, latency: Mapping[str, Any], config: ValidateConfig) -> list[Budget]:
    """Hold every budget that is asked for against every model that it is for.

    Args:
        models: the summary's `models`.
        latency: `p50_ms` and `p95_ms` by model; absent where it was not timed.
        config: the budgets.
    """
    return [_judge(rule, name) for rule in _rules(models, latency, config) for name in rule.judged]


def _rules(models: Models, latency: Mapping[str, Any], config: ValidateConfig) -> list[_Rule]:
    def share(figure: str) -> Callable[[str], float | None]:
        return lambda name: models[name][figure] if name in models else None

    def drop(before: str) -> Callable[[str], float | None]:
        return lambda name: _points(models, before, name)

    own = "qat" if "qat" in models else "model"
    judged = [name for name in FOR_PHONES if name in models] or [own]
    timed = [name for name in judged if not name.startswith("coreml_")] or judged
    exports = [name for name in models if is_export(name)] or [own]
    origin = "student" if "student" in models else "float" if "float" in models else own
    rival = models["tfidf"]["accuracy"] if "tfidf" in models else None
    asked = [
        _Rule("max_size_mb", judged, AT_MOST, config.max_size_mb, lambda n: models[n]["bytes"] / MEGABYTE, _megabytes),
        _Rule(
            "max_latency_p95_ms",
            timed,
            AT_MOST,
            config.max_latency_p95_ms,
            lambda name: latency[name]["p95_ms"] if name in latency else None,
            _milliseconds,
        ),
        _Rule("min_accuracy", judged, AT_LEAST, config.min_accuracy, share("accuracy"), _percent),
        _Rule("max_student_drop", ["student"], AT_MOST, config.max_student_drop, drop("teacher"), _lost),
        _Rule("max_export_drop", judged, AT_MOST, config.max_export_drop, drop(origin), _lost),
        _Rule("min_agreement", exports, AT_LEAST, config.min_agreement, share("agreement_pytorch"), _percent),
    ]
    beat = [_Rule("beat_tfidf", judged, ABOVE, rival, share("accuracy"), _percent)] if config.beat_tfidf else []
    return [rule for rule in asked if rule.limit] + beat


def _points(models: Models, before: str, after: str) -> float | None:
    if before not in models or after not in models:
        return None
    return float(100 * (models[before]["accuracy"] - models[after]["accuracy"]))


def _judge(rule: _Rule, name: str) -> Budget:
    figure = rule.measure(name)
    wanted = (
        f"{rule.bound} {rule.format(rule.limit)}" if rule.limit is not None else "a TF-IDF rival, which needs labels"
    )
    if figure is None or rule.limit is None:
        measured = "nothing measured" if figure is None else rule.format(figure)
        return Budget(rule.name, name, wanted, measured, met=False)
    return Budget(rule.name, name, wanted, rule.format(figure), _meets(rule.bound, figure, rule.limit))


def _meets(bound: str, figure: float, limit: float) -> bool:
    if bound == ABOVE:
        return figure > limit
    return figure <= limit + ROUNDING if bound == AT_MOST else figure >= limit - ROUNDING


def _megabytes(value: float) -> str:
    return f"{value:.3f} MB"


def _milliseconds(value: float) -> str:
    return f"{value:.2f} ms"


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def _lost(value: float) -> str:
    return f"{abs(value):.2f} points {'lost' if value >= 0 else 'gained'}"
