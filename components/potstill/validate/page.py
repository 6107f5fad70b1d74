"""The report for people: one HTML file that needs nothing else, and a shorter one in Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from potstill.measure.table import HEAD, markdown_table, notes, research_only, story_rows
from potstill.prune import curve_table
from potstill.prune.curve import Curve, curve_from
from potstill.qat.audit import Audit
from potstill.qat.audit import table as audit_table
from potstill.validate import int8_ranges
from potstill.validate.gate import PASS

TEMPLATE = "report.html"
TITLE = "potstill report</title>"  # in every page; by it the next run knows that it may replace the page
MARK = "<!-- written by potstill validate -->\n"  # ends every Markdown report, likewise; what a person adds comes after
COMPARED = {
    "tfidf": "TF-IDF",
    "control": "the control without distillation",
    "teacher": "a teacher",
    "student": "the student before pruning",
    "onnx_int8": "ONNX int8",
    "coreml_int8": "Core ML int8",
}
MEASURED_HERE = "one row at its own length, PyTorch float on one thread, measured here"
UNMEASURED = (
    "Latency on a phone, and on any other processor than this one; energy and memory.",
    "Text outside the test split: other topics, other years, typing errors, hostile input.",
    "TF-IDF and the control are rivals in accuracy alone: no file of theirs is kept, and neither was timed.",
    "Parameters of an export are those of the PyTorch model that it was made from.",
)


def write_page(
    path: Path, figures: Mapping[str, Any], worst: Sequence[Mapping[str, Any]], audit: Audit | None = None
) -> None:
    """Write the HTML report.

    Args:
        path: the file.
        figures: the whole of the figures.
        worst: the rows to show, from `worst_disagreements`.
        audit: of the quantised model's ranges, where it carries one.
    """
    from potstill.prune.curve_plot import draw  # noqa: PLC0415 - matplotlib is slow
    from potstill.qat.audit.plot import draw as draw_audit  # noqa: PLC0415 - likewise
    from potstill.validate.plots import accuracy_against_size, latency_bars  # noqa: PLC0415 - likewise

    curve, clock = _curve(figures)
    folder = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    text = environment.get_template(TEMPLATE).render(
        figures=figures,
        final=figures["models"][figures["final"]],
        banner=research_only(figures),
        head=HEAD,
        rows=list(zip(figures["models"], story_rows(figures, list(figures["models"])), strict=True)),
        notes=notes(figures),
        worst=worst,
        reference="the teacher" if "teacher" in figures["models"] else "PyTorch",
        plots=[accuracy_against_size(figures), latency_bars(figures)],
        curve=curve,
        curve_plot=draw(curve, clock) if curve else "",
        curve_table=curve_table,
        curve_notes=curve_table.notes(curve, clock) if curve else [],
        audit=audit,
        audit_plot=draw_audit(audit) if audit else "",
        audit_table=audit_table,
        audit_told=int8_ranges.told(figures["int8"]) if audit else [],
        unmeasured=unmeasured(figures),
    )
    path.write_text(text, encoding="utf-8")


def write_markdown(path: Path, figures: Mapping[str, Any]) -> None:
    """Write the Markdown report: licence, table, verdict, the rounds of the pruning, the int8 ranges in short."""
    cells = [
        [each["name"], each["model"], each["wanted"], each["measured"], "yes" if each["met"] else "**no**"]
        for each in figures["budgets"]
    ]
    verdict = "PASS" if figures["verdict"] == PASS else "FAIL"
    lines = [markdown_table(figures), "", f"## Verdict: {verdict}", ""]
    if cells:
        lines += ["| budget | model | wanted | measured | met |", "|---|---|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in cells] or ["No budget was set."]
    curve, clock = _curve(figures)
    if curve:
        lines += ["", "## Pruning", "", curve_table.markdown(curve, curve_table.notes(curve, clock))]
    if figures["int8"]:
        lines += ["", "## int8 ranges", "", int8_ranges.markdown(figures["int8"])]
    path.write_text("\n".join([*lines, "", MARK]), encoding="utf-8")


def _curve(figures: Mapping[str, Any]) -> tuple[Curve | None, str]:
    """The curve of the pruning, and whose its milliseconds are: a table's, or those measured now where it has none."""
    if not figures["pruning"]:
        return None, ""
    curve, timed = curve_from(figures["pruning"]), figures["latency"]["rounds"]
    if curve.pace == "latency_ms" or not timed:
        return curve, ""
    points = tuple(replace(point, latency_ms=timed[point.name]) for point in curve.points)
    return replace(curve, points=points), MEASURED_HERE


def unmeasured(figures: Mapping[str, Any]) -> list[str]:
    """Say what nobody should read out of the report."""
    absent = [title for name, title in COMPARED.items() if name not in figures["models"]]
    return [f"Not given, so not compared: {', '.join(absent)}.", *UNMEASURED] if absent else list(UNMEASURED)
