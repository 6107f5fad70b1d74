"""All figures in one JSON value: the reproducible summary, and what differs from run to run — latency and verdict."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from potstill.measure.latency import CLOCK
from potstill.measure.measures import Measures
from potstill.measure.size import MEGABYTE
from potstill.validate.budgets import judge_budgets
from potstill.validate.config import ValidateConfig
from potstill.validate.gate import FAIL, PASS
from potstill.validate.results import Result

BESIDES = {"latency", "budgets", "verdict", "failures", "report"}  # what `complete` adds to the summary
SHARES = ("accuracy", "macro_f1", "agreement_teacher", "agreement_pytorch")


def complete(
    summary: Mapping[str, Any],
    results: Sequence[Result],
    rounds: Mapping[str, float],
    config: ValidateConfig,
    digest: str,
) -> dict[str, Any]:
    """Add to the summary how long a row takes, every budget, the verdict, and the digest of the sealed report."""
    timed = {each.name: asdict(each.latency) for each in results if each.latency}
    budgets = judge_budgets(summary["models"], timed, config)
    failures = [str(budget) for budget in budgets if not budget.met]
    return {
        **summary,
        "latency": {
            "clock": CLOCK,
            "threads": 1,
            "rows": min(config.latency_rows, summary["rows"]),
            "warmup": config.latency_warmup,
            "models": timed,
            "rounds": dict(rounds),
        },
        "budgets": [asdict(budget) for budget in budgets],
        "verdict": FAIL if failures else PASS,
        "failures": failures,
        "report": digest,
    }


def measures_of(figures: Mapping[str, Any]) -> Measures:
    """Flatten the figures to `<model>_<figure>`; what was not measured is left out."""
    found = {"failed_budgets": float(len(figures["failures"]))}
    for name, model in figures["models"].items():
        found |= {f"{name}_{share}": model[share] for share in SHARES if model[share] is not None}
        if model["bytes"] is not None:
            found[f"{name}_megabytes"] = model["bytes"] / MEGABYTE
    for name, latency in figures["latency"]["models"].items():
        found |= {f"{name}_latency_{figure}": value for figure, value in latency.items()}
    return found


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON that a person can read, too; the same value gives the same bytes."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_figures(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote."""
    return dict(json.loads(path.read_text(encoding="utf-8")))
