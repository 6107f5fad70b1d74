"""The Markdown report: what fits into a pull request or a terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from potstill.measure.table import markdown_table
from potstill.output_files import write_whole
from potstill.prune import curve_table
from potstill.validate.facts import int8_ranges
from potstill.validate.report.pruning import pruning_curve
from potstill.validate.report.quick_look import quick_look
from potstill.validate.report.verdict import WORDS, ordered, why

MARK = (
    "<!-- written by potstill validate -->\n"  # ends every report: the next run may replace it; what people add follows
)
HEAD = ("", "budget", "model", "wanted", "measured", "what to try")


def write_markdown(path: Path, figures: Mapping[str, Any]) -> None:
    """Write the Markdown report: licence, table, verdict, the rounds of the pruning, the int8 ranges in short."""
    lines = [
        markdown_table(figures, list(figures["models"])),
        "",
        f"## Verdict: {WORDS[figures['verdict']]}",
        "",
        *filter(None, [quick_look(figures)]),
        why(figures),
    ]
    if figures["budgets"]:
        lines += ["", *_table(HEAD, [_judgement(each) for each in ordered(figures["budgets"])])]
    curve, clock = pruning_curve(figures)
    if curve:
        lines += ["", "## Pruning", "", curve_table.markdown(curve, curve_table.notes(curve, clock))]
    if figures["int8"]:
        lines += ["", "## int8 ranges", "", int8_ranges.markdown(figures["int8"])]
    write_whole(path, "\n".join([*lines, "", MARK]))


def _judgement(budget: Mapping[str, Any]) -> list[str]:
    verdict = budget["verdict"] if budget["verdict"] == "pass" else f"**{budget['verdict']}**"
    measured = "; ".join(filter(None, (budget["measured"], budget["detail"])))
    return [verdict, budget["name"], budget["model"], budget["wanted"], measured, budget["advice"]]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in (head, ["---"] * len(head), *rows)]


def _cell(text: str) -> str:
    """What a class is called may hold what ends a cell, or begins a tag."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
