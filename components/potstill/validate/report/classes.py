"""Each class of the final model: how well it does, what it is taken for, and the worst texts of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TAKEN_FOR = 5  # confusions told of a class
SMALL = 20  # classes that a table of all of them can still be read with
TOP = 15  # confusions listed where there are more classes


@dataclass(frozen=True)
class Confusion:
    """So many rows of one class were taken for another; share: of the rows of that class."""

    truth: str
    predicted: str
    rows: int
    share: float


@dataclass(frozen=True)
class ClassFigures:
    """What is known of a class.

    Attributes:
        place: its number, in the order of the labels.
        label: its name, as the data brings it.
        precision, recall, f1: shares.
        rows: of this class in the test split.
        reference: the reference's recall of it; None without one.
        lost, gained: rows of it that only the reference has right, and only the final model; None without one.
        taken_for: its most frequent confusions.
        mistaken: which others are most often taken for it.
        worst: its rows among the worst disagreements.
    """

    place: int
    label: str
    precision: float
    recall: float
    f1: float
    rows: int
    reference: float | None
    lost: int | None
    gained: int | None
    taken_for: list[Confusion]
    mistaken: list[Confusion]
    worst: list[Mapping[str, Any]]


def classes(figures: Mapping[str, Any]) -> list[ClassFigures]:
    """Return every class of the final model, the worst F1 first; empty where the rows are not known."""
    final = figures["models"][figures["final"]]
    others = figures["models"][figures["reference"]]["per_class"] if figures["reference"] != figures["final"] else []
    recalls = [each["recall"] for each in others]
    losses = final["loss"]["classes"] if final["loss"] else []
    columns = [list(column) for column in zip(*final["confusion"], strict=True)]
    worst = figures["worst"].get(figures["final"], [])
    found = [
        ClassFigures(
            place,
            each["label"],
            *(each["precision"], each["recall"], each["f1"], each["support"]),
            recalls[place] if recalls else None,
            losses[place]["lost_rows"] if losses else None,
            losses[place]["gained_rows"] if losses else None,
            _taken_for(figures, place)[:TAKEN_FOR],
            _mistaken(figures, columns, place)[:TAKEN_FOR],
            [row for row in worst if row["truth"] == each["label"]],
        )
        for place, each in enumerate(final["per_class"])
    ]
    return sorted(found, key=lambda each: (each.f1, each.place))


def top_confusions(figures: Mapping[str, Any]) -> list[Confusion]:
    """Return the most frequent confusions of all classes."""
    count = len(figures["models"][figures["final"]]["confusion"])
    found = [each for place in range(count) for each in _taken_for(figures, place)]
    return sorted(found, key=lambda each: -each.rows)[:TOP]


def _taken_for(figures: Mapping[str, Any], place: int) -> list[Confusion]:
    labels, confusion = figures["labels"], figures["models"][figures["final"]]["confusion"]
    counts = confusion[place] if place < len(confusion) else []
    total = sum(counts)
    found = [
        Confusion(labels[place], labels[other], rows, rows / total)
        for other, rows in enumerate(counts)
        if rows and other != place
    ]
    return sorted(found, key=lambda each: -each.rows)


def _mistaken(figures: Mapping[str, Any], columns: list[list[int]], place: int) -> list[Confusion]:
    labels, confusion = figures["labels"], figures["models"][figures["final"]]["confusion"]
    found = [
        Confusion(labels[other], labels[place], rows, rows / sum(confusion[other]))
        for other, rows in enumerate(columns[place] if place < len(columns) else [])
        if rows and other != place
    ]
    return sorted(found, key=lambda each: -each.rows)
