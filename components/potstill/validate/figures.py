"""All figures in one JSON value: the reproducible summary, and what differs from run to run: times and the verdict."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from potstill.artifacts import Artifact
from potstill.measure.latency import CLOCK
from potstill.measure.measures import Measures
from potstill.measure.size import MEGABYTE
from potstill.output_files import write_whole
from potstill.validate.budgets import Budgets, failures_of, judge_budgets, verdict_of
from potstill.validate.config import ValidateConfig
from potstill.validate.gate import FAIL, INCONCLUSIVE, PASS
from potstill.validate.measured.evaluation import Result

# What `complete` adds to the summary.
BESIDES = {"latency", "footprint", "devices", "budgets", "verdict", "failures", "report", "made_by"}
SHARES = ("accuracy", "macro_f1", "weighted_f1", "ece", "brier", "agreement_teacher", "agreement_pytorch")


def complete(
    summary: Mapping[str, Any],
    results: Sequence[Result],
    rounds: Mapping[str, float],
    devices: Sequence[Mapping[str, Any]],
    budgets: Budgets,
    config: ValidateConfig,
    sealed: Artifact,
) -> dict[str, Any]:
    """Add to the summary time and memory, here and on devices, every judgement, the verdict, the report's digest."""
    known = {
        **summary,
        "latency": _latency(results, rounds, config, summary["rows"]),
        "footprint": {"models": {each.name: asdict(each.footprint) for each in results if each.footprint}},
        "devices": list(devices),
    }
    judgements = judge_budgets(known, budgets)
    return {
        **known,
        "budgets": judgements,
        "verdict": verdict_of(judgements),
        "failures": failures_of(judgements),
        "report": sealed.digest,
        "made_by": dict(sealed.made_by),
    }


def _latency(
    results: Sequence[Result], rounds: Mapping[str, float], config: ValidateConfig, rows: int
) -> dict[str, Any]:
    timed = {each.name: each.timing for each in results if each.timing}
    return {
        "clock": CLOCK,
        "threads": 1,
        "rows": min(config.latency_rows, rows),
        "warmup": config.latency_warmup,
        "repeats": 1,
        "models": {name: asdict(each.latency) for name, each in timed.items()},
        "samples": {name: list(each.samples) for name, each in timed.items()},
        "lengths": {name: [asdict(length) for length in each.lengths] for name, each in timed.items()},
        "rounds": dict(rounds),
    }


def measures_of(figures: Mapping[str, Any]) -> Measures:
    """Flatten the figures to `<model>_<figure>`; what was not measured is left out."""
    verdicts = [each["verdict"] for each in figures["budgets"]]
    found = {
        "passed": float(figures["verdict"] == PASS),
        "failed_budgets": float(verdicts.count(FAIL)),
        "inconclusive_budgets": float(verdicts.count(INCONCLUSIVE)),
    }
    for name, model in figures["models"].items():
        found |= {f"{name}_{share}": model[share] for share in SHARES if model[share] is not None}
        if model["bytes"] is not None:
            found[f"{name}_megabytes"] = model["bytes"] / MEGABYTE
        if model["loss"] is not None:
            found |= {f"{name}_lost": model["loss"]["lost"], f"{name}_lost_at_most": model["loss"]["at_most"]}
    for name, latency in figures["latency"]["models"].items():
        found |= {f"{name}_latency_{figure}": value for figure, value in latency.items()}
    for name, footprint in figures["footprint"]["models"].items():
        found |= {f"{name}_{figure}": value for figure, value in footprint.items() if value is not None}
    return found


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON that a person can read, too; the same value gives the same bytes."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    write_whole(path, text + "\n")


def read_figures(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote."""
    return dict(json.loads(path.read_text(encoding="utf-8")))
