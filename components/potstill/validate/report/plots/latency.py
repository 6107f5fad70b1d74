"""How long a row takes: the spread over many rows, and how it grows with the length."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from potstill.measure.drawing import INK, logarithmic, panels, style
from potstill.validate.report.numbers import NONE, count, milliseconds
from potstill.validate.report.plot import Plot, plot
from potstill.validate.report.plots.looks import WIDTH, colour, dashes, shape, title

ROW, AROUND = 0.46, 0.75  # inches: of a model, of the axis
BOX = 0.16  # half its height, in rows
ALONE = "One row at a time (batch 1), one thread."
SCATTER = 0.3  # rows; how far dots lie from the middle, so that they do not hide each other


@dataclass(frozen=True)
class Curve:
    """A figure over the length of a row: its key in `latency.lengths`, what its picture says, how it is told."""

    anchor: str
    heading: str
    measure: str
    axis: str
    caption: str
    unit: str
    written: Callable[[float], str]


def distribution(figures: Mapping[str, Any]) -> Plot | None:
    """Draw every timed row of each model as a dot, with a box from quartile to quartile; None where none was timed."""
    samples = {name: times for name, times in figures["latency"]["samples"].items() if times}
    if not samples:
        return None
    names, models = list(samples), figures["models"]
    with style("latency"):
        figure, [axes] = panels(WIDTH, AROUND + ROW * len(names))
        for row, name in enumerate(names):
            _draw_row(axes, row, samples[name], colour(name))
        axes.set_yticks(range(len(names)), [title(models, name) for name in names])
        axes.set(ylim=(len(names) - 0.4, -0.6), xlabel="ms per row (log)")
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(min(map(min, samples.values())) / 1.25, max(map(max, samples.values())) * 1.25)
        logarithmic(axes.xaxis)
        axes.grid(visible=True, axis="x")
        told = "; ".join(f"{title(models, name, 99)} {_told(times)}" for name, times in samples.items())
        caption = "Each dot is a row. Box: the middle half, with the median; long tick: 95th percentile."
        return plot("latency-spread", "Latency of one row", figure, told, caption)


def by_length(figures: Mapping[str, Any]) -> list[Plot]:
    """Draw median milliseconds, and rows per second, over the tokens of a row; empty where nothing was timed so."""
    lengths = {name: points for name, points in figures["latency"]["lengths"].items() if points}
    if not lengths:
        return []
    batch = max(point.get("batch", 1) for points in lengths.values() for point in points)
    batched = f"{batch} rows at a time, as far as the file takes so many, one thread."
    drawn = (
        Curve(
            "latency-lengths", "Latency over length", "p50_ms", "p50 of one row, ms (log)", ALONE, "ms", milliseconds
        ),
        Curve(
            "throughput",
            "Throughput over length",
            "rows_per_second",
            "rows per second (log)",
            batched,
            "rows a second",
            count,
        ),
    )
    return [_lines(each, lengths, figures["models"]) for each in drawn]


def _draw_row(axes: Axes, row: int, times: Sequence[float], colour: str) -> None:
    """Dots as one path of strokes without length: a hundred markers would weigh twenty times as much."""
    scattered = row + SCATTER * (2 * ((np.arange(len(times)) * 0.618034) % 1) - 1)
    ends = np.repeat(np.column_stack([times, scattered]), 2, axis=0)
    ends[1::2, 0] *= 1.0001
    codes = [Path.MOVETO, Path.LINETO] * len(times)
    axes.add_patch(PathPatch(Path(ends, codes), edgecolor=colour, linewidth=3, capstyle="round", alpha=0.3, fill=False))
    low, middle, high, late = np.percentile(times, [25, 50, 75, 95])
    corners = [low, high, high, low, low], [row - BOX, row - BOX, row + BOX, row + BOX, row - BOX]
    axes.plot(*corners, color=colour, linewidth=1.4)
    axes.plot([middle, middle], [row - BOX, row + BOX], color=INK, linewidth=2.2, solid_capstyle="butt")
    axes.plot([late, late], [row - 0.3, row + 0.3], color=colour, linewidth=1.4)


def _told(times: Sequence[float]) -> str:
    middle, late = np.percentile(times, [50, 95])
    return f"p50 {milliseconds(middle)} ms, p95 {milliseconds(late)} ms"


def _lines(drawn: Curve, lengths: Mapping[str, Any], models: Mapping[str, Any]) -> Plot:
    names, measure = list(lengths), drawn.measure
    strokes = dashes(names)
    with style(drawn.anchor):
        figure, [axes] = panels(WIDTH, 3.4 + 0.1 * len(names))
        for name in names:
            places = [each["tokens"] for each in lengths[name]], [each[measure] for each in lengths[name]]
            looks: dict[str, Any] = {
                "color": colour(name),
                "linestyle": strokes[name],
                "marker": shape(name),
                "markersize": 5,
            }
            axes.plot(*places, label=title(models, name, 99), linewidth=1.5, **looks)
        tokens = sorted({each["tokens"] for points in lengths.values() for each in points})
        axes.set(xlabel="tokens in the row", ylabel=drawn.axis, xticks=tokens)
        logarithmic(axes.yaxis)
        axes.grid(visible=True)
        figure.legend(loc="outside lower center", ncols=2, fontsize=9, handlelength=5)
        told = "; ".join(f"{title(models, name, 99)}: {_each(lengths[name], drawn)}" for name in names)
        made = plot(drawn.anchor, drawn.heading, figure, told, drawn.caption)
        rows = [(title(models, name, 99), *_cells(lengths[name], drawn, tokens)) for name in names]
        return made.with_figures((drawn.unit, *(f"{each} tokens" for each in tokens)), rows)


def _each(points: Sequence[Mapping[str, Any]], drawn: Curve) -> str:
    return ", ".join(f"{drawn.written(each[drawn.measure])} {drawn.unit} at {each['tokens']} tokens" for each in points)


def _cells(points: Sequence[Mapping[str, Any]], drawn: Curve, tokens: Sequence[int]) -> list[str]:
    found = {each["tokens"]: drawn.written(each[drawn.measure]) for each in points}
    return [found.get(each, NONE) for each in tokens]
