"""Each budget that is asked for, held against each model that it is for."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from potstill.validate.budgets import losses, measuring
from potstill.validate.budgets.advice import ADVICE, MORE_ROWS
from potstill.validate.budgets.judgement import (
    ABOVE,
    AT_LEAST,
    AT_MOST,
    NOTHING,
    Judgement,
    Outcome,
    shown,
)
from potstill.validate.budgets.limits import Budgets
from potstill.validate.budgets.measuring import Measured
from potstill.validate.budgets.scope import exports, judged
from potstill.validate.gate import FAIL, INCONCLUSIVE, PASS

Figures = Mapping[str, Any]
Measure = Callable[[Figures, str], Iterable[Measured]]
ROUNDING = 1e-9  # 0.95 of rows, counted and divided, may come out as 0.9499999999999998, and meets a budget of 0.95
NEVER_LEFT_OUT = ("max_accuracy_loss",)  # who knows nothing of the loss has not passed
MISSING = {
    "max_latency_p95_ms": "time it here in a format that is timed, or give measurements of a device",
    "max_latency_ratio": "give the teacher, which is then timed beside it",
    "max_memory_mb": "give an ONNX file, or measurements of a device",
    "max_cold_start_ms": "give an ONNX file, or measurements of a device",
    "max_accuracy_loss": "give the teacher, which losses are counted against",
    "max_class_loss": "give the teacher, which losses are counted against",
    "beat_tfidf": "give tokens with a labelled train split, which trains the rival",
}


@dataclass(frozen=True)
class _Unit:
    """How a figure is written: its factor, what follows it, and its digits after the point."""

    name: str
    scale: float
    suffix: str
    digits: int

    def limit(self, value: float) -> str:
        """A limit as it was asked for, without digits that nobody gave."""
        return f"{self.scale * value:.6g}{self.suffix}"

    def figure(self, value: float, limit: float) -> str:
        """A figure that is held against a limit."""
        return shown(self.scale * value, self.digits, self.scale * limit) + self.suffix


POINTS, PERCENT = _Unit("points", 1, " points", 2), _Unit("share", 100, " %", 2)
ERROR, TIMES = _Unit("share", 1, "", 4), _Unit("×", 1, " × the teacher's", 3)
MB, MS = _Unit("MB", 1, " MB", 3), _Unit("ms", 1, " ms", 2)


@dataclass(frozen=True)
class _Rule:
    name: str
    bound: str
    unit: _Unit
    measure: Callable[[Figures, str, Budgets], Iterable[Measured]]
    models: Callable[[Figures], list[str]] = judged


def judge_budgets(figures: Figures, budgets: Budgets) -> list[dict[str, Any]]:
    """Hold every budget that is asked for against every model that it is for, in the order of the file's keys.

    A model of which nothing was measured is left out. A budget that the file names, and for which nothing was measured
    of any model, is failed; at its default it is left out, but for the loss of accuracy, which is inconclusive then.

    Args:
        figures: those of validate: `models`, `reference`, `final`; and what there is of `latency`, `footprint`,
            `devices` and `robustness`.
        budgets: the limits.

    Returns: judgements as JSON values, in the shape of `Judgement`.
    """
    rules = [rule for rule in _RULES if budgets.asked(rule.name)]
    return [each.model_dump(mode="json") for rule in rules for each in _judge(rule, figures, budgets)]


def _judge(rule: _Rule, figures: Figures, budgets: Budgets) -> list[Judgement]:
    limit = _limit(rule, figures, budgets)
    found = [
        _judgement(rule, name, each, limit)
        for name in rule.models(figures)
        for each in rule.measure(figures, name, budgets)
        if limit is not None
    ]
    if found or not (budgets.explicit(rule.name) or rule.name in NEVER_LEFT_OUT):
        return found
    return [_missing(rule, figures, limit, FAIL if budgets.explicit(rule.name) else INCONCLUSIVE)]


def _limit(rule: _Rule, figures: Figures, budgets: Budgets) -> float | None:
    if rule.bound == ABOVE:
        rival = figures["models"].get("tfidf")
        return None if rival is None else float(rival["accuracy"])
    return float(getattr(budgets, rule.name))


def _judgement(rule: _Rule, name: str, found: Measured, limit: float) -> Judgement:
    verdict = found.verdict or _compare(rule.bound, found.value, limit)
    return Judgement(
        name=rule.name,
        model=name,
        verdict=verdict,
        value=found.value,
        limit=limit,
        unit=rule.unit.name,
        wanted=_wanted(rule, limit),
        measured=(found.words or rule.unit.figure(found.value, limit)) + found.where,
        advice=_advice(rule, verdict, within=found.within),
        detail=found.detail,
    )


def _missing(rule: _Rule, figures: Figures, limit: float | None, verdict: Outcome) -> Judgement:
    return Judgement(
        name=rule.name,
        model=figures["final"],
        verdict=verdict,
        value=None,
        limit=limit,
        unit=rule.unit.name,
        wanted=_wanted(rule, limit) if limit is not None else "more than a TF-IDF rival",
        measured=NOTHING,
        advice=MISSING.get(rule.name, "measure it, or take the budget out of the file"),
    )


def _wanted(rule: _Rule, limit: float) -> str:
    if rule.bound == ABOVE:
        return f"{rule.bound} {rule.unit.figure(limit, limit)}, which TF-IDF has"
    return f"{rule.bound} {rule.unit.limit(limit)}"


def _advice(rule: _Rule, verdict: Outcome, *, within: bool) -> str:
    if verdict == INCONCLUSIVE:
        return MORE_ROWS if within else f"{ADVICE[rule.name]}; or {MORE_ROWS}"
    return ADVICE[rule.name] if verdict == FAIL else ""


def _compare(bound: str, value: float, limit: float) -> Outcome:
    if bound == ABOVE:
        met = value > limit
    else:
        met = value <= limit + ROUNDING if bound == AT_MOST else value >= limit - ROUNDING
    return PASS if met else FAIL


def _plain(measure: Measure) -> Callable[[Figures, str, Budgets], Iterator[Measured]]:
    """Most budgets need the limit for the comparison alone, not for the measuring."""
    return lambda figures, name, _: iter(measure(figures, name))


_RULES = (
    _Rule("max_accuracy_loss", AT_MOST, POINTS, losses.accuracy_loss),
    _Rule("max_class_loss", AT_MOST, POINTS, losses.class_loss),
    _Rule("min_accuracy", AT_LEAST, PERCENT, _plain(measuring.figure("accuracy"))),
    _Rule("min_agreement", AT_LEAST, PERCENT, _plain(measuring.figure("agreement_pytorch")), exports),
    _Rule("beat_tfidf", ABOVE, PERCENT, _plain(measuring.figure("accuracy"))),
    _Rule("max_ece", AT_MOST, ERROR, _plain(measuring.figure("ece"))),
    _Rule("max_unk_rate", AT_MOST, PERCENT, _plain(measuring.figure("unk_rate"))),
    _Rule("max_robustness_loss", AT_MOST, POINTS, _plain(measuring.robustness)),
    _Rule("max_size_mb", AT_MOST, MB, _plain(measuring.size)),
    _Rule("max_memory_mb", AT_MOST, MB, _plain(measuring.memory)),
    _Rule("max_latency_p95_ms", AT_MOST, MS, _plain(measuring.latency)),
    _Rule("max_latency_ratio", AT_MOST, TIMES, _plain(measuring.latency_ratio)),
    _Rule("max_cold_start_ms", AT_MOST, MS, _plain(measuring.cold_start)),
)
