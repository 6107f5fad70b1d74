"""The report's plots as SVG text: drawn without a screen, the same bytes each time, readable on light and dark."""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from potstill.measure.size import MEGABYTE

INK = "#010203"  # stands for the page's text colour, which is not known here; `_svg` puts it in
COLOURS = {"PyTorch": "#6b7fd7", "ONNX": "#d9822b", "Core ML": "#2a9d8f"}
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, selectable, in the page's font
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#8888",
    "grid.linewidth": 0.5,
}
TITLE_WIDTH, TITLE_HEIGHT = 110, 11  # points, of the longest title
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def accuracy_against_size(figures: Mapping[str, Any]) -> str:
    """Draw accuracy (%, with its 95 % interval) over size (MB, logarithmic), one point per model that has a size."""
    models = {name: model for name, model in figures["models"].items() if model["bytes"] is not None}
    with _style("accuracy"):
        figure, axes = _axes(7.2, 3.9)
        for name, model in models.items():
            _point(axes, name, model)
        axes.set(xscale="log", xlabel="size, MB (log)", ylabel="accuracy, %")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("")
        axes.margins(x=0.25)
        axes.grid(visible=True)
        _titles(figure, axes, [(*_place(model), model["title"]) for model in models.values()])
        return _svg(figure)


def latency_bars(figures: Mapping[str, Any]) -> str:
    """Draw p50 (bar) and p95 (tick) of one row, ms, one bar per model that was timed, the first on top."""
    timed = figures["latency"]["models"]
    names = list(reversed(timed))
    with _style("latency"):
        figure, axes = _axes(7.2, 0.6 + 0.36 * len(names))
        axes.barh(names, [timed[name]["p50_ms"] for name in names], height=0.6, color=_colours(names))
        axes.plot([timed[name]["p95_ms"] for name in names], names, "|", color=INK, markersize=12)
        axes.set_yticks(range(len(names)), [figures["models"][name]["title"] for name in names])
        axes.set_xlabel("ms per row: bar p50, tick p95")
        axes.grid(visible=True, axis="x")
        return _svg(figure)


def _point(axes: Axes, name: str, model: Mapping[str, Any]) -> None:
    size, accuracy = _place(model)
    below, above = accuracy - 100 * model["accuracy_low"], 100 * model["accuracy_high"] - accuracy
    axes.errorbar(size, accuracy, [[below], [above]], fmt="o", color=COLOURS[_family(name)], elinewidth=1, alpha=0.9)


def _place(model: Mapping[str, Any]) -> tuple[float, float]:
    return model["bytes"] / MEGABYTE, 100 * model["accuracy"]


def _titles(figure: Figure, axes: Axes, points: Sequence[tuple[float, float, str]]) -> None:
    """Write each title beside its point, moved up where another title stands already: exports lie close together."""
    figure.draw_without_rendering()  # lays the axes out, so that places are known
    taken: list[tuple[float, float]] = []
    for size, accuracy, title in sorted(points, key=lambda point: point[1]):
        x, y = axes.transData.transform((size, accuracy)) * 72 / figure.dpi
        free = y
        for other_x, other_y in sorted(taken, key=lambda place: place[1]):
            if abs(other_x - x) < TITLE_WIDTH and abs(free - other_y) < TITLE_HEIGHT:
                free = other_y + TITLE_HEIGHT
        taken.append((x, free))
        axes.annotate(title, (size, accuracy), (8, free - y), textcoords="offset points", va="center", fontsize=9)


def _family(name: str) -> str:
    return "ONNX" if name.startswith("onnx_") else "Core ML" if name.startswith("coreml_") else "PyTorch"


def _colours(names: Sequence[str]) -> list[str]:
    return [COLOURS[_family(name)] for name in names]


def _style(salt: str) -> Any:
    return mpl.rc_context({**STYLE, "svg.hashsalt": salt})  # the salt makes element ids stable, and differ by plot


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    return figure, axes


def _svg(figure: Figure) -> str:
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata=NO_METADATA)
    drawing = stream.getvalue()
    drawing = drawing[drawing.index("<svg") :].replace(INK, "currentColor")
    return re.sub(r' (?:width|height)="[\d.]+pt"', "", drawing, count=2)
