"""The report's plots: accuracy against size, and the time of one row."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from potstill.measure.drawing import BLUE, INK, ORANGE, TEAL, panels, style, svg, write_titles
from potstill.measure.size import MEGABYTE

COLOURS = {"PyTorch": BLUE, "ONNX": ORANGE, "Core ML": TEAL}
TITLE_WIDTH = 110  # points, of the longest title


def accuracy_against_size(figures: Mapping[str, Any]) -> str:
    """Draw accuracy (%, with its 95 % interval) over size (MB, logarithmic), one point per model that has a size."""
    models = {name: model for name, model in figures["models"].items() if model["bytes"] is not None}
    with style("accuracy"):
        figure, [axes] = panels(7.2, 3.9)
        for name, model in models.items():
            _point(axes, name, model)
        axes.set(xscale="log", xlabel="size, MB (log)", ylabel="accuracy, %")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("")
        axes.margins(x=0.25)
        axes.grid(visible=True)
        write_titles(figure, axes, [(*_place(model), model["title"]) for model in models.values()], TITLE_WIDTH)
        return svg(figure)


def latency_bars(figures: Mapping[str, Any]) -> str:
    """Draw p50 (bar) and p95 (tick) of one row, ms, one bar per model that was timed, the first on top."""
    timed = figures["latency"]["models"]
    names = list(reversed(timed))
    with style("latency"):
        figure, [axes] = panels(7.2, 0.6 + 0.36 * len(names))
        axes.barh(names, [timed[name]["p50_ms"] for name in names], height=0.6, color=_colours(names))
        axes.plot([timed[name]["p95_ms"] for name in names], names, "|", color=INK, markersize=12)
        axes.set_yticks(range(len(names)), [figures["models"][name]["title"] for name in names])
        axes.set_xlabel("ms per row: bar p50, tick p95")
        axes.grid(visible=True, axis="x")
        return svg(figure)


def _point(axes: Axes, name: str, model: Mapping[str, Any]) -> None:
    size, accuracy = _place(model)
    below, above = accuracy - 100 * model["accuracy_low"], 100 * model["accuracy_high"] - accuracy
    axes.errorbar(size, accuracy, [[below], [above]], fmt="o", color=COLOURS[_family(name)], elinewidth=1, alpha=0.9)


def _place(model: Mapping[str, Any]) -> tuple[float, float]:
    return model["bytes"] / MEGABYTE, 100 * model["accuracy"]


def _family(name: str) -> str:
    return "ONNX" if name.startswith("onnx_") else "Core ML" if name.startswith("coreml_") else "PyTorch"


def _colours(names: Sequence[str]) -> list[str]:
    return [COLOURS[_family(name)] for name in names]
