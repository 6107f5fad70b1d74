"""Budgets of what may be lost: decided by the upper bound of the loss, not by its point."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from potstill.measure.non_inferiority import LossVerdict, judge_classes, judge_loss
from potstill.validate.budgets.judgement import Outcome, shown
from potstill.validate.budgets.limits import Budgets
from potstill.validate.budgets.measuring import Measured
from potstill.validate.gate import PASS

NAMED = 3  # classes that a detail names; the report's table has them all


def accuracy_loss(figures: Mapping[str, Any], name: str, budgets: Budgets) -> Iterator[Measured]:
    """Points of accuracy lost against the reference, at most."""
    loss = figures["models"].get(name, {}).get("loss")
    if loss and budgets.max_accuracy_loss is not None:
        counts = loss["lost_rows"], loss["gained_rows"], loss["rows"]
        margin = budgets.max_accuracy_loss / 100
        found = judge_loss(*counts, margin, budgets.confidence)
        reference = figures["models"][figures["reference"]]["title"]
        detail = f"against {reference}: {counts[0]:,} rows lost, {counts[1]:,} gained of {counts[2]:,}"
        bound = f"{shown(100 * found.at_most, 2, budgets.max_accuracy_loss)} points lost"
        words = f"at most {bound} ({_level(found)}; {_points(found.lost)} measured)"
        yield _measured(found, words, detail + _rows_wanted(found, "rows"), margin)


def class_loss(figures: Mapping[str, Any], name: str, budgets: Budgets) -> Iterator[Measured]:
    """Points of recall that the class whose bound is worst lost, at most."""
    loss = figures["models"].get(name, {}).get("loss")
    classes = [each for each in (loss or {}).get("classes", []) if each["rows"]]
    if classes and budgets.max_class_loss is not None:
        counts = [(each["lost_rows"], each["gained_rows"], each["rows"]) for each in classes]
        found = judge_classes(counts, budgets.max_class_loss / 100, budgets.confidence)
        named = [(each["label"], each["rows"], one) for each, one in zip(classes, found, strict=True)]
        yield _worst_of(named, budgets.max_class_loss / 100)


def _worst_of(classes: list[tuple[str, int, LossVerdict]], margin: float) -> Measured:
    """The verdict of all classes: as bad as its worst class."""
    order = {"fail": 0, "inconclusive": 1, "pass": 2}
    ranked = sorted(classes, key=lambda each: (order[each[2].verdict], -each[2].p, -each[2].lost))
    label, _, worst = ranked[0]
    deciding = [each for each in ranked if each[2].verdict != PASS] or ranked[:1]
    named = [_class(*each) for each in deciding[:NAMED]]
    others = [f"and {len(deciding) - NAMED} more"] if len(deciding) > NAMED else []
    bound = f"{shown(100 * worst.at_most, 2, 100 * margin)} points of {label!r} lost"
    words = f"at most {bound} ({_level(worst)}, Holm)"
    return _measured(worst, words, "; ".join([*named, *others]), margin)


def _measured(found: LossVerdict, words: str, detail: str, margin: float) -> Measured:
    outcome = cast("Outcome", found.verdict)
    return Measured(100 * found.at_most, words, detail=detail, verdict=outcome, within=found.lost <= margin)


def _class(label: str, rows: int, found: LossVerdict) -> str:
    measured = f"{label!r} ({rows:,} rows): {_points(found.lost)} measured, at most {_points(found.at_most)}"
    return measured + _rows_wanted(found, "rows of it")


def _rows_wanted(found: LossVerdict, what: str) -> str:
    if found.verdict != "inconclusive":
        return ""
    return f"; {found.rows_wanted:,} {what} would decide" if found.rows_wanted else "; no number of rows would decide"


def _points(share: float) -> str:
    return f"{100 * share:.2f} points"


def _level(found: LossVerdict) -> str:
    return f"{100 * found.level:.4g} % bound"
