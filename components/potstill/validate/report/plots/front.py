"""The models as points of accuracy and cost: which are near enough to be drawn, and which nothing else beats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

DEEPEST = 3.0  # points below the reference; what lies deeper is told, and not drawn
STEPS = 24  # places on a line that are kept free of titles
NAMED = 14  # titles at most, or they would cover the points


@dataclass(frozen=True)
class Point:
    """A model at what it costs; accuracy and its interval in %."""

    name: str
    title: str
    cost: float
    accuracy: float
    low: float
    high: float


def front(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other beats: none is as cheap and as accurate and better in one; the cheapest first."""
    best: list[Point] = []
    for point in sorted(points, key=lambda each: (each.cost, -each.accuracy)):
        if not best or point.accuracy > best[-1].accuracy:
            best.append(point)
    return best


def points_of(figures: Mapping[str, Any], costs: Mapping[str, float]) -> list[Point]:
    """Return a point for each model that has a cost."""
    found = []
    for name, cost in costs.items():
        model = figures["models"][name]
        shares = (100 * model[key] for key in ("accuracy", "accuracy_low", "accuracy_high"))
        found.append(Point(name, str(model["title"]), cost, *shares))
    return found


def in_view(points: Sequence[Point], figures: Mapping[str, Any]) -> list[Point]:
    """The points near the reference and the final model; one far below would press the others into a line."""
    anchors = {figures["reference"], figures["final"]}
    level = min((each.accuracy for each in points if each.name in anchors), default=points[0].accuracy)
    return [each for each in points if each.accuracy > level - DEEPEST]


def titled(shown: Sequence[Point], figures: Mapping[str, Any]) -> list[Point]:
    """The points with a title: the final model and the reference first, then the front, then whom there is room for."""
    first = [each for each in shown if each.name in {figures["final"], figures["reference"]}]
    order = [*first, *front(shown), *shown]
    unique = list(dict.fromkeys(order))
    best = {*front(shown), *first}
    return unique if len(shown) <= NAMED else [each for each in unique if each in best][:NAMED]


def lines_of(shown: Sequence[Point], figures: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Places along the front and the whiskers, which no title should cross."""
    places = []
    for point, after in pairwise(front(shown)):
        across = (after.cost / point.cost) ** (1 / STEPS)
        places += [(point.cost * across**step, point.accuracy) for step in range(STEPS + 1)]
    for point in shown:
        if point.name in {figures["final"], figures["reference"]}:
            up = (point.high - point.low) / STEPS
            places += [(point.cost, point.low + up * step) for step in range(STEPS + 1)]
    return places
