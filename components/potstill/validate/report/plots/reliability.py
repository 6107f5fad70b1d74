"""Whether a probability can be believed: how often a model is right, against how sure it was."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from potstill.measure.drawing import BLUE, INK, style
from potstill.validate.report.numbers import number, percent
from potstill.validate.report.plot import Plot, plot
from potstill.validate.report.plots.looks import WIDTH

HEIGHT = 4.6  # inches
FEW = 20  # rows: the accuracy of fewer is chance
LEAST, MOST = 16.0, 110.0  # square points: of a mark, by the root of its rows


def reliability(figures: Mapping[str, Any]) -> Plot | None:
    """Draw accuracy over confidence in bins, with the number of rows in each below; None where no bin has rows."""
    names = list(dict.fromkeys([figures["final"], figures["reference"]]))
    models = {name: figures["models"][name] for name in names if name in figures["models"]}
    models = {name: model for name, model in models.items() if any(each["rows"] for each in model["reliability"])}
    if not models:
        return None
    with style("reliability"):
        figure, above, below = _panels()
        above.plot([0, 100], [0, 100], color=INK, alpha=0.5, linestyle=":", linewidth=1)
        for name, model in models.items():
            _draw(above, below, model, ours=name == figures["final"])
        figure.legend(
            *above.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9, handlelength=3.5
        )
        told = "; ".join(f"{model['title']}: {_told(model['reliability'])}" for model in models.values())
        errors = ", ".join(f"{each['title']} {number(each['ece'])}" for each in models.values())
        caption = (
            f"ECE: {errors}. Below the dotted line: surer than right. The larger a mark, the more rows; hollow: fewer "
            f"than {FEW} rows, too few to tell."
        )
        return plot("reliability", "Reliability", figure, told, caption)


def _panels() -> tuple[Figure, Axes, Axes]:
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    figure.patch.set_alpha(0)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    for axes in (above, below):
        axes.patch.set_alpha(0)
        axes.grid(visible=True)
    above.set(ylabel="accuracy, %", xlim=(0, 100), ylim=(0, 100))
    below.set(xlabel="confidence, %", ylabel="rows, %")
    return figure, above, below


def _draw(above: Axes, below: Axes, model: Mapping[str, Any], *, ours: bool) -> None:
    bins = model["reliability"]
    rows = sum(each["rows"] for each in bins)
    colour = BLUE if ours else INK
    stroke: dict[str, Any] = {"color": colour, "linestyle": "-" if ours else "--", "linewidth": 1.5 if ours else 1.2}
    _marks(above, bins, "o" if ours else "s", colour)
    enough = [each for each in bins if each["rows"] >= FEW]
    places = [100 * each["confidence"] for each in enough], [100 * each["accuracy"] for each in enough]
    above.plot(*places, label=model["title"], marker="o" if ours else "s", markersize=3.5, alpha=0.9, **stroke)
    edges = [100 * bins[0]["low"], *(100 * each["high"] for each in bins)]
    shares = [100 * each["rows"] / rows for each in bins]
    below.stairs(
        shares,
        edges,
        fill=ours,
        color=colour,
        alpha=0.55 if ours else 1.0,
        linewidth=0 if ours else 1.2,
        linestyle="--",
    )


def _marks(axes: Axes, bins: Sequence[Mapping[str, Any]], marker: str, colour: str) -> None:
    """A mark for each bin, as large as it has rows; hollow where these are too few."""
    most = max(each["rows"] for each in bins)
    for each in bins:
        if each["rows"]:
            place, few = (100 * each["confidence"], 100 * each["accuracy"]), each["rows"] < FEW
            area = LEAST + (MOST - LEAST) * (each["rows"] / most) ** 0.5
            looks: dict[str, Any] = {
                "facecolor": "none" if few else colour,
                "edgecolor": colour,
                "alpha": 1.0 if few else 0.4,
            }
            axes.scatter(*place, s=area, marker=marker, linewidth=1.1, clip_on=False, **looks)


def _told(bins: Sequence[Mapping[str, Any]]) -> str:
    full = [each for each in bins if each["rows"]]
    return ", ".join(
        f"{percent(each['confidence'], 0)} % sure, {percent(each['accuracy'], 1)} % right of {each['rows']} rows"
        for each in full
    )
