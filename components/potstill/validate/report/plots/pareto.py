"""Accuracy against what it costs: which models nothing else beats, near enough to tell them apart."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from potstill.measure.drawing import BLUE, INK, logarithmic, panels, style
from potstill.measure.place_titles import place_titles
from potstill.measure.size import MEGABYTE
from potstill.validate.report.numbers import megabytes, milliseconds, percent
from potstill.validate.report.plot import Plot, plot
from potstill.validate.report.plots.front import NAMED, Point, front, in_view, lines_of, points_of, titled
from potstill.validate.report.plots.looks import WIDTH, colour, family, key, keys, shape

HEIGHT = 4.4  # inches


def against_size(figures: Mapping[str, Any]) -> Plot | None:
    """Draw accuracy over megabytes on disk; None where no model has a size."""
    sizes = {name: model["bytes"] / MEGABYTE for name, model in figures["models"].items() if model["bytes"]}
    told = {name: f"{megabytes(figures['models'][name]['bytes'])} MB" for name in sizes}
    return _picture("pareto-size", "Accuracy against size", "size on disk, MB (log)", figures, sizes, told)


def against_latency(figures: Mapping[str, Any]) -> Plot | None:
    """Draw accuracy over the median milliseconds of one row; None where no model was timed."""
    times = {name: each["p50_ms"] for name, each in figures["latency"]["models"].items() if name in figures["models"]}
    told = {name: f"{milliseconds(value)} ms" for name, value in times.items()}
    return _picture("pareto-latency", "Accuracy against latency", "p50 of one row, ms (log)", figures, times, told)


def _picture(
    anchor: str, title: str, axis: str, figures: Mapping[str, Any], costs: Mapping[str, float], told: Mapping[str, str]
) -> Plot | None:
    points = points_of(figures, costs)
    if not points:
        return None
    shown = in_view(points, figures)
    with style(anchor):
        figure, [axes] = panels(WIDTH, HEIGHT)
        _lay_out(axes, shown, axis)
        _draw(axes, shown, figures)
        legend = [*keys([each.name for each in shown]), key("best at its cost", BLUE, linestyle="-", alpha=0.6)]
        figure.legend(
            handles=legend, loc="outside lower center", ncols=4, fontsize=9, columnspacing=1, handletextpad=0.4
        )
        names = [(each.cost, each.accuracy, each.title) for each in titled(shown, figures)]
        place_titles(figure, axes, names, [(each.cost, each.accuracy) for each in shown], lines_of(shown, figures))
        tips = {each.name: f"{each.title}: {each.accuracy:.2f} %, {told[each.name]}" for each in points}
        words = "; ".join(tips[each.name] for each in points)
        rows = [(each.title, told[each.name], f"{each.accuracy:.2f}", _interval(each)) for each in points]
        made = plot(anchor, title, figure, words, _caption(points, shown, figures, costs), tips)
        return made.with_figures(("model", axis.removesuffix(" (log)"), "accuracy, %", "95 % interval"), rows)


def _interval(point: Point) -> str:
    return f"{point.low:.2f} to {point.high:.2f}"


def _lay_out(axes: Axes, shown: Sequence[Point], axis: str) -> None:
    axes.set(xlabel=axis, ylabel="accuracy, %")
    least, most = min(each.cost for each in shown), max(each.cost for each in shown)
    spread = max((most / least) ** 0.14, 1.25)
    axes.set_xlim(least / spread, most * spread)
    logarithmic(axes.xaxis)
    axes.margins(y=0.08)
    axes.grid(visible=True)


def _draw(axes: Axes, shown: Sequence[Point], figures: Mapping[str, Any]) -> None:
    best = front(shown)
    axes.plot(
        [each.cost for each in best],
        [each.accuracy for each in best],
        drawstyle="steps-post",
        color=BLUE,
        alpha=0.6,
        linewidth=1.2,
    )
    for point in shown:
        ours = point.name == figures["final"]
        if point.name in {figures["final"], figures["reference"]}:
            bounds = [[point.accuracy - point.low], [point.high - point.accuracy]]
            axes.errorbar(
                point.cost, point.accuracy, bounds, color=colour(point.name), elinewidth=1.2, alpha=0.7, zorder=2
            )
        looks: dict[str, Any] = {
            "color": colour(point.name),
            "marker": shape(point.name),
            "markeredgecolor": INK if ours else colour(point.name),
        }
        axes.plot(
            point.cost, point.accuracy, markersize=10 if ours else 6.5, linestyle="", gid=point.name, zorder=3, **looks
        )


def _caption(
    points: Sequence[Point], shown: Sequence[Point], figures: Mapping[str, Any], costs: Mapping[str, float]
) -> str:
    anchors = [each.title for each in shown if each.name in {figures["final"], figures["reference"]}]
    whose = f"of {' and '.join(anchors)} alone"
    line = "The line joins the models that no other beats in both."
    said = [f"{line} Whiskers: 95 % interval (Wilson), {whose}; on all they would hide the marks."]
    if len(shown) > NAMED:
        said.append("Marks without a name are in the table below.")
    far = [each for each in points if each not in shown]
    if far:
        said.append("Far below: " + ", ".join(f"{each.title} ({each.accuracy:.2f} %)" for each in far) + ".")
    absent = [name for name in figures["models"] if name not in costs and family(name) == "Rival"]
    if absent:
        told = (
            f"{figures['models'][name]['title']} {percent(figures['models'][name]['accuracy'])} %" for name in absent
        )
        said.append(f"Not drawn, for nothing is known of their cost: {', '.join(told)}.")
    return " ".join(said)
