"""Every model in one table: groups of columns, and a row of cells for each model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from potstill.validate.report.numbers import NONE, count, megabytes, milliseconds, number, p_value, percent, points

NEAR = 32  # tokens: a headline; throughput is told for the length nearest to it


@dataclass(frozen=True)
class Cell:
    """A figure, and the interval below it."""

    text: str
    below: str = ""


@dataclass(frozen=True)
class Column:
    """A column: its head, and how its cell comes from the figures and a model's name."""

    head: str
    cell: Callable[[Mapping[str, Any], str], Cell]


Groups = dict[str, list[Column]]


def groups(figures: Mapping[str, Any]) -> Groups:
    """Return the columns by group; one in which no model has a figure is left out."""
    wanted: Groups = {
        "Accuracy": [Column("%", _accuracy)],
        f"Against {_reference(figures)}": [
            Column("lost, points", _lost),
            Column("at most", _at_most),
            Column("McNemar p", _p),
        ],
        "Size": [Column("MB", _size)],
        "Latency, ms": [_time("p50", "p50_ms"), _time("p95", "p95_ms"), _time("p99", "p99_ms")],
        f"At {_tokens(figures)} tokens": [Column(_batched(figures), _throughput)],
        "Fresh process": [
            _footprint("peak MB", "peak_mb"),
            _footprint("added MB", "added_mb"),
            _footprint("cold start ms", "cold_start_ms"),
        ],
        "F1": [_share("macro", "macro_f1", 1, 4), _share("weighted", "weighted_f1", 1, 4)],
        "Calibration": [_share("ECE", "ece", 1, 4), _share("Brier", "brier", 1, 4)],
        "Same label as": [
            _share("teacher %", "agreement_teacher", 100, 2),
            _share("PyTorch %", "agreement_pytorch", 100, 2),
        ],
        "Test tokens": [_share("[UNK] %", "unk_rate", 100, 2)],
        "Parameters": [Column("count", _parameters)],
    }
    present = {group: [each for each in columns if _says_anything(figures, each)] for group, columns in wanted.items()}
    return {group: columns for group, columns in present.items() if columns}


def _says_anything(figures: Mapping[str, Any], column: Column) -> bool:
    return any(column.cell(figures, name).text != NONE for name in figures["models"])


def _reference(figures: Mapping[str, Any]) -> str:
    return str(figures["models"][figures["reference"]]["title"])


def _share(head: str, key: str, scale: int, digits: int) -> Column:
    def cell(figures: Mapping[str, Any], name: str) -> Cell:
        value = figures["models"][name][key]
        return Cell(number(None if value is None else scale * value, digits))

    return Column(head, cell)


def _accuracy(figures: Mapping[str, Any], name: str) -> Cell:
    model = figures["models"][name]
    return Cell(percent(model["accuracy"]), f"{percent(model['accuracy_low'])} to {percent(model['accuracy_high'])}")


def _lost(figures: Mapping[str, Any], name: str) -> Cell:
    found = figures["models"][name]["loss"]
    return Cell(points(found["lost"]), f"{points(found['low'])} to {points(found['high'])}") if found else Cell(NONE)


def _at_most(figures: Mapping[str, Any], name: str) -> Cell:
    found = figures["models"][name]["loss"]
    return Cell(points(found["at_most"]) if found else NONE)


def _p(figures: Mapping[str, Any], name: str) -> Cell:
    found = figures["models"][name]["loss"]
    return Cell(p_value(found["mcnemar_p"]) if found else NONE)


def _size(figures: Mapping[str, Any], name: str) -> Cell:
    return Cell(megabytes(figures["models"][name]["bytes"]))


def _parameters(figures: Mapping[str, Any], name: str) -> Cell:
    return Cell(count(figures["models"][name]["parameters"]))


def _time(head: str, key: str) -> Column:
    def cell(figures: Mapping[str, Any], name: str) -> Cell:
        return Cell(milliseconds(figures["latency"]["models"].get(name, {}).get(key)))

    return Column(head, cell)


def _footprint(head: str, key: str) -> Column:
    def cell(figures: Mapping[str, Any], name: str) -> Cell:
        return Cell(count(figures["footprint"]["models"].get(name, {}).get(key)))

    return Column(head, cell)


def _tokens(figures: Mapping[str, Any]) -> int:
    """The length that throughput is told for."""
    lengths = {each["tokens"] for points in figures["latency"]["lengths"].values() for each in points}
    return min(lengths, key=lambda tokens: (abs(tokens - NEAR), tokens), default=NEAR)


def _batched(figures: Mapping[str, Any]) -> str:
    """The head of the throughput's column: in batches of how many rows, which some files do not take."""
    timed = [each for points in figures["latency"]["lengths"].values() for each in points]
    batches = {each.get("batch", 1) for each in timed if each["tokens"] == _tokens(figures)}
    most = max(batches, default=1)
    return f"rows/s, in batches of {'up to ' if len(batches) > 1 else ''}{most}" if most > 1 else "rows/s"


def _throughput(figures: Mapping[str, Any], name: str) -> Cell:
    at = [each for each in figures["latency"]["lengths"].get(name, []) if each["tokens"] == _tokens(figures)]
    return Cell(count(at[0]["rows_per_second"]) if at else NONE)
