"""The curve of a pruning as a picture: accuracy, with its bound, over size and over time."""

from itertools import compress, pairwise
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter

from potstill.measure.drawing import BLUE, INK, ORANGE, RED, panels, standalone, style, svg
from potstill.measure.place_titles import place_titles
from potstill.prune.curve import DRAWING, Curve, Point, pareto

WIDTH, HEIGHT = 8.4, 3.9  # inches
LEAST_VIEW = 0.05  # of accuracy: a floor so near is always shown
NAMED = 8  # points at most, or their names would stand on each other
STEPS = 12  # places along a whisker that are kept free of names


def draw(curve: Curve, clock: str = "") -> str:
    """Draw accuracy over parameters, and over latency, or over FLOPs where not every point has a latency.

    A whisker goes down to the one-sided bound; a round is refused, and drawn hollow, when it crosses the floor.

    Args:
        curve: the points.
        clock: which row its milliseconds are of, and how they were measured; empty: as the curve says.

    Returns: SVG for a page, in the page's ink; the same curve gives the same bytes.
    """
    with style("pruning"):
        figure, both = panels(WIDTH, HEIGHT, 2)
        for axes, cost in zip(both, ("parameters", curve.pace), strict=True):
            _draw_panel(axes, curve, cost)
            _name_axis(axes, curve, cost, clock or curve.clock)
        both[0].set_ylabel(f"accuracy on {curve.rows:,} validation rows, %")
        figure.legend(handles=_legend(curve), loc="outside lower center", ncols=4, fontsize=9)
        for axes, cost in zip(both, ("parameters", curve.pace), strict=True):
            titles = [(*_place(point, cost), _short(point)) for point in _named(curve)]
            points = [_place(point, cost) for point in curve.points]
            place_titles(figure, axes, titles, points, _whiskers(curve, cost))
        return svg(figure)


def write_drawing(folder: Path, curve: Curve) -> None:
    """Write `curve.svg`, a picture that stands alone, on light and on dark."""
    (folder / DRAWING).write_text(standalone(draw(curve)), encoding="utf-8")


def _draw_panel(axes: Axes, curve: Curve, cost: str) -> None:
    axes.axhline(100 * curve.start.accuracy, color=INK, linestyle=":", linewidth=1, alpha=0.6)
    if _floor_in_view(curve):
        axes.axhline(100 * curve.floor, color=RED, linestyle="--", linewidth=1)
    worth = [_place(point, cost) for point in compress(curve.points, pareto(curve.points, [cost]))]
    axes.plot(*zip(*sorted(worth), strict=True), color=BLUE, linewidth=1, alpha=0.5)
    for point in curve.points:
        _draw_point(axes, curve, point, _place(point, cost))
    axes.margins(x=0.16, y=0.12)
    axes.grid(visible=True)


def _floor_in_view(curve: Curve) -> bool:
    """A floor far below all points would press them into one line."""
    lowest = min(point.accuracy - (point.lost_at_most - point.lost) / 100 for point in curve.points)
    highest = max(point.accuracy for point in curve.points)
    return curve.floor > lowest - max(highest - lowest, LEAST_VIEW)


def _draw_point(axes: Axes, curve: Curve, point: Point, place: tuple[float, float]) -> None:
    colour, shape = (INK, "s") if point.round is None else (BLUE, "o")
    axes.errorbar(*place, [[max(0.0, point.lost_at_most - point.lost)], [0.0]], color=colour, elinewidth=1, alpha=0.9)
    axes.plot(*place, shape, color=colour, markersize=6, markerfacecolor=colour if point.above_floor else "none")
    if point.round == curve.chosen:
        axes.plot(*place, "o", color=ORANGE, markersize=12, markerfacecolor="none", markeredgewidth=1.5)


def _name_axis(axes: Axes, curve: Curve, cost: str, clock: str) -> None:
    names = {
        "parameters": "parameters",
        "flops": f"FLOPs, one row of {curve.max_length} tokens",
        "latency_ms": f"ms: {clock}",
    }
    axes.set_xlabel(names[cost])
    if cost != "latency_ms":
        axes.xaxis.set_major_formatter(EngFormatter())


def _place(point: Point, cost: str) -> tuple[float, float]:
    return float(getattr(point, cost)), 100 * point.accuracy


def _named(curve: Curve) -> list[Point]:
    """The points that are named: of many rounds every so many, and in any case the start, the last and the chosen."""
    points, step = curve.points, -(-len(curve.points) // NAMED)
    always = {points[0].round, points[-1].round, curve.chosen}
    return [point for place, point in enumerate(points) if place % step == 0 or point.round in always]


def _whiskers(curve: Curve, cost: str) -> list[tuple[float, float]]:
    """Places along the whiskers and the line between the best, which no name should cover."""
    places = []
    for point in curve.points:
        across, up = _place(point, cost)
        down = max(0.0, point.lost_at_most - point.lost) / STEPS
        places += [(across, up - step * down) for step in range(STEPS + 1)]
    worth = sorted(_place(point, cost) for point in compress(curve.points, pareto(curve.points, [cost])))
    for one, other in pairwise(worth):
        shares = [step / STEPS for step in range(STEPS + 1)]
        places += [(one[0] + at * (other[0] - one[0]), one[1] + at * (other[1] - one[1])) for at in shares]
    return places


def _short(point: Point) -> str:
    return str(point.round) if point.round else point.name


def _legend(curve: Curve) -> list[Line2D]:
    far = "" if _floor_in_view(curve) else " (far below)"
    return [
        _key("start", INK, marker="s", markersize=6),
        _key("above the floor", BLUE, marker="o", markersize=6),
        _key("bound below the floor", BLUE, marker="o", markersize=6, markerfacecolor="none"),
        _key("chosen", ORANGE, marker="o", markersize=11, markerfacecolor="none"),
        _key(f"bound of the loss, {100 * curve.confidence:g} %", BLUE, marker="|", markersize=11),
        _key("best at its cost", BLUE, linestyle="-", alpha=0.5),
        _key(f"floor: {curve.max_accuracy_drop:g} points lost{far}", RED, linestyle="--"),
    ]


def _key(label: str, colour: str, **looks: Any) -> Line2D:
    return Line2D([], [], **{"color": colour, "linestyle": "", "linewidth": 1, "label": label, **looks})
