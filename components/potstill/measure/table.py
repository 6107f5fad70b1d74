"""The story in one table, from teacher to phone: as plain text for a terminal, as Markdown for a page."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

from potstill.coreml_export.formats import FORMATS
from potstill.measure.size import MEGABYTE

NONE = "—"
STORY = (
    *("majority", "tfidf", "control", "teacher", "student", "pruned", "model", "qat"),
    *("onnx_int8", "onnx_int8_qdq"),
    *(f"coreml_{name}" for name in FORMATS),
)
HEAD = ("model", "accuracy %", "lost ≤", "macro-F1", "size MB", "p50 ms", "p95 ms", "= teacher", "= PyTorch")

WIDTH = 100  # columns of the notes under the text table
AGREEMENT = (
    "= teacher, = PyTorch: share of rows with the same predicted label, %. An export is compared with the float "
    "PyTorch model that it was made from, QDQ with Quantized, and Quantized with its own float weights."
)


def text_table(figures: Mapping[str, Any]) -> str:
    """Lay the story out for a terminal.

    Args:
        figures: the body of validate's `figures` file.

    Returns: lines of some 100 columns; "RESEARCH ONLY" first where the licence says so.
    """
    rows = [HEAD, *story_rows(figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [_aligned(row, widths) for row in rows]
    lines.insert(1, "  ".join("─" * width for width in widths))
    wrapped = [fill(note, WIDTH, subsequent_indent="  ") for note in notes(figures)]
    return "\n".join([*research_only(figures), *lines, "", *wrapped])


def markdown_table(figures: Mapping[str, Any], names: Sequence[str] = STORY) -> str:
    """Lay it out as a Markdown table; figures right-aligned, the licence first where it restricts the use."""
    rows = [HEAD, ("---", *["---:"] * (len(HEAD) - 1)), *story_rows(figures, names)]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    banner = [f"**{line}**\n" for line in research_only(figures)]
    return "\n".join([*banner, *lines, "", *(f"- {note}" for note in notes(figures))])


def story_rows(figures: Mapping[str, Any], names: Sequence[str] = STORY) -> list[tuple[str, ...]]:
    """Return one row of cells per model that was measured, in the order of `names`, under HEAD."""
    models, timed = figures["models"], figures["latency"]["models"]
    return [_row(models[name], timed.get(name, {})) for name in names if name in models]


def research_only(figures: Mapping[str, Any]) -> list[str]:
    """The line that must stand first where an ancestor may be used for research only; else nothing."""
    licence = figures["licence"]
    if licence["use"] != "research-only":
        return []
    return [f"RESEARCH ONLY: an ancestor of these models allows no other use ({licence['expression']})."]


def notes(figures: Mapping[str, Any]) -> list[str]:
    """What a reader must know to read the figures rightly."""
    latency, final = figures["latency"], figures["models"][figures["final"]]
    interval = f"95 % interval {100 * final['accuracy_low']:.2f} to {100 * final['accuracy_high']:.2f} % (Wilson)"
    counts = f"{latency['rows']} rows after {latency['warmup']} uncounted calls"
    lines = [
        f"{_rows(figures)}. Accuracy of {final['title']}: {interval}.",
        f"Latency: one row at its own length, batch 1, one thread, {latency['clock']}, {counts}.",
        AGREEMENT,
    ]
    if any(model.get("loss") for model in figures["models"].values()):
        lines.insert(1, _lost(figures))
    if figures.get("other_words"):
        names = ", ".join(figures["other_words"])
        lines.append(f"Read with a tokenizer of its own, not that of the tokens, from the same texts: {names}.")
    for files, key in (("ONNX files", "onnx_length"), ("Core ML packages", "coreml_length")):
        if figures.get(key):
            lines.append(f"The {files} read the first {figures[key]} tokens of a text, and no more.")
    if "control" in figures["models"]:
        lines.append(_gain(figures["models"]["control"]))
    if "qat" in figures["models"]:
        lines.append("Quantized simulates int8 in float: its labels are measured, its own latency would tell nothing.")
    if any(name.startswith("coreml_") for name in figures["models"]):
        lines.append("Core ML was executed without a Mac: its labels are measured, a phone's latency is not.")
    return lines


def _rows(figures: Mapping[str, Any]) -> str:
    """How many rows judged; that they are not all of them must be said."""
    rows, whole = figures["rows"], figures.get("whole_rows", figures["rows"])
    counted = f"{rows:,} test {'row' if rows == 1 else 'rows'}"
    return counted if rows == whole else f"A quick look: {rows:,} of {whole:,} test rows"


def _lost(figures: Mapping[str, Any]) -> str:
    """What the column of losses means."""
    reference = figures["models"][figures["reference"]]["title"]
    return f"lost ≤: points of accuracy lost against {reference} at most, the exact one-sided 95 % bound."


def _gain(control: Mapping[str, Any]) -> str:
    """What distillation is worth, and how sure that is."""
    gain, low, high = (f"{100 * control[name]:+.2f}" for name in ("gain", "gain_low", "gain_high"))
    interval = f"95 % paired bootstrap {low} to {high}"
    return f"Distillation gained {gain} points over the same student without it ({interval})."


def _row(model: Mapping[str, Any], latency: Mapping[str, float]) -> tuple[str, ...]:
    return (
        str(model["title"]),
        _number(model["accuracy"], 100, 2),
        _number((model.get("loss") or {}).get("at_most"), 100, 2),
        _number(model["macro_f1"], 1, 4),
        _number(model["bytes"], 1 / MEGABYTE, 2),
        _number(latency.get("p50_ms"), 1, 2),
        _number(latency.get("p95_ms"), 1, 2),
        _number(model["agreement_teacher"], 100, 2),
        _number(model["agreement_pytorch"], 100, 2),
    )


def _number(value: float | None, scale: float, digits: int) -> str:
    return NONE if value is None else f"{scale * value:.{digits}f}"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.rjust(width) if column else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([first, *others]).rstrip()
