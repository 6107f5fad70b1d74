"""What models and figures are called in a comparison that people read."""

from potstill.validate.candidates import TITLES
from potstill.validate.compare.budgets import BudgetChange
from potstill.validate.compare.figures import Figure
from potstill.validate.compare.movement import Movement

FIGURES = {
    "bytes": "size, MB",
    "parameters": "parameters",
    "macro_f1": "macro-F1, %",
    "ece": "ECE",
    "unk_rate": "[UNK], %",
    "brier": "Brier",
    "p50_ms": "p50, ms",
    "p95_ms": "p95, ms",
    "p99_ms": "p99, ms",
    "peak_mb": "peak, MB",
    "added_mb": "added, MB",
    "cold_start_ms": "cold start, ms",
}


def titled(pair: Figure | Movement | BudgetChange) -> str:
    """Name the two models that are compared: once, where they are one."""
    one, other = (TITLES.get(name, name) for name in (pair.one, pair.other))
    return one if one == other else f"{one} → {other}"
