"""Whether a judgement of a loss is what the counted rows allow: no lower bound, and each class a pass by Holm."""

from collections.abc import Iterator, Mapping
from typing import Any

from potstill.verify.budget_rules import Figures, shown
from potstill.verify.loss_bounds import Counts, is_too_low, least_chance

Judgement = Mapping[str, Any]
ROUNDING = 1e-6  # points; of a bound that was computed, and of the limit that it was held against
ALIKE = 0.4  # of the greatest chance: classes that may be the worst, as a chance is told too low by so much at most
SLIGHT = 1e-6


def loss_offences(judgement: Judgement, figures: Figures, confidence: float) -> Iterator[str]:
    """Name what a judgement of a loss says against the counts of the sealed report.

    Args:
        judgement: of max_accuracy_loss or max_class_loss, with a value.
        figures: those of the report.
        confidence: the level that was asked for.

    Raises:
        ValueError: counts that no rows have.
    """
    loss = figures["models"][judgement["model"]]["loss"]
    value, limit, verdict = judgement["value"], judgement["limit"], judgement["verdict"]
    if (verdict == "pass") != (value <= limit + ROUNDING):
        yield f"a {verdict}, at {value} where wanted is {judgement['wanted']}"
    of_kind = _accuracy if judgement["name"] == "max_accuracy_loss" else _classes
    yield from of_kind(judgement, loss, figures, 1 - confidence)


def _accuracy(judgement: Judgement, loss: Mapping[str, Any], figures: Figures, alpha: float) -> Iterator[str]:
    counts, value, limit = _counts(loss), judgement["value"], judgement["limit"]
    lost, gained, rows = counts
    if value + ROUNDING < _points(counts):
        yield f"at most {value} points lost, the sealed report counts {_points(counts)}"
    elif is_too_low((value + ROUNDING) / 100, counts, alpha, 1 - alpha):
        yield f"at most {value} points lost, which {lost} rows lost and {gained} gained of {rows} do not prove"
    if judgement["verdict"] == "fail" and _points(counts) <= limit:
        yield f"a fail, where the sealed report counts {_points(counts)} points lost"
    level = f"{100 * (1 - alpha):.4g} % bound; {100 * ((lost - gained) / rows):.2f} points measured"
    said = f"at most {shown(value, 2, limit)} points lost ({level})"
    if judgement["measured"] != said:
        yield f"measured is {judgement['measured']!r}, the figures say {said!r}"
    title = figures["models"][figures["reference"]]["title"]
    said = f"against {title}: {lost:,} rows lost, {gained:,} gained of {rows:,}"
    if not judgement["detail"].startswith(said):
        yield f"detail is {judgement['detail']!r}, the figures say {said!r}"


def _classes(judgement: Judgement, loss: Mapping[str, Any], _: Figures, alpha: float) -> Iterator[str]:
    classes = {each["label"]: _counts(each) for each in loss["classes"] if each["rows"]}
    if sum(each["rows"] for each in loss["classes"]) != loss["rows"]:
        yield "the classes of the sealed report have other rows than all of them"
        return
    margin, order = judgement["limit"] / 100, 1 - alpha / len(classes)
    chances = {label: _chance(counts, margin, order) for label, counts in classes.items()}
    if judgement["verdict"] == "pass":
        yield from _not_passing(chances, alpha)
    named = list(_named(judgement, list(classes), alpha))
    if not named:
        yield f"measured is {judgement['measured']!r}, which tells of no class what the figures say"
    greatest = max(chances.values())
    if named and judgement["verdict"] == "pass" and all(chances[each] < ALIKE * greatest - SLIGHT for each, _ in named):
        yield f"{named[0][0]!r} is not the class that lost most"
    bound = (judgement["value"] + ROUNDING) / 100
    if named and all(is_too_low(bound, classes[each], level, order) for each, level in named):
        yield f"at most {judgement['value']} points of {named[0][0]!r} lost, which its rows do not prove"


def _not_passing(chances: Mapping[str, float], alpha: float) -> Iterator[str]:
    """Holm's step-down: the surest class is held to alpha over their number, the next to alpha over one less."""
    ranked = sorted(chances, key=chances.__getitem__)
    for place, label in enumerate(ranked):
        if chances[label] > alpha / (len(ranked) - place) * (1 + SLIGHT):
            yield f"a pass, and the rows of {label!r} do not prove it"
            return


def _named(judgement: Judgement, labels: list[str], alpha: float) -> Iterator[tuple[str, float]]:
    """The classes, with the level that each was held to, of which a judgement's words may be."""
    bound = shown(judgement["value"], 2, judgement["limit"])
    for label in labels:
        head = f"at most {bound} points of {label!r} lost ("
        if judgement["measured"].startswith(head):
            for left in range(1, len(labels) + 1):
                if judgement["measured"] == f"{head}{100 * (1 - alpha / left):.4g} % bound, Holm)":
                    yield label, alpha / left


def _chance(counts: Counts, margin: float, order: float) -> float:
    """At least the p-value of "the margin is lost, or more"."""
    lost, gained, rows = counts
    return least_chance(margin, counts, order) if lost - gained < margin * rows else 1.0


def _counts(loss: Mapping[str, Any]) -> Counts:
    counts = loss["lost_rows"], loss["gained_rows"], loss["rows"]
    if any(not isinstance(each, int) or isinstance(each, bool) for each in counts):
        raise ValueError(f"{counts} are no counts")
    return counts


def _points(counts: Counts) -> float:
    lost, gained, rows = counts
    return 100 * (lost - gained) / rows
