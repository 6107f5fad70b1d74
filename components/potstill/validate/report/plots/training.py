"""How each training went: its loss and its score after every epoch."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from potstill.measure.drawing import BLUE, INK, ORANGE, style
from potstill.validate.report.plot import Plot, plot
from potstill.validate.report.plots.looks import WIDTH

HEIGHT = 2.6  # inches
TITLE = 24  # characters: half as wide as the picture


def training_curves(figures: Mapping[str, Any]) -> list[Plot]:
    """Draw one picture for each training that left its curve."""
    return [_picture(f"training-{place}", each) for place, each in enumerate(_told_of(figures)) if _epochs(each) > 1]


def told_in_words(figures: Mapping[str, Any]) -> list[str]:
    """Tell in a sentence each training of one epoch: of that there is no curve."""
    return [f"{each['name']}, trained for one epoch. {_told(each)}" for each in _told_of(figures) if _epochs(each) == 1]


def _told_of(figures: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [each for each in figures["training"] if _epochs(each)]


def _epochs(training: Mapping[str, Any]) -> int:
    return max(len(training["loss"]), len(training["score"]))


def _picture(anchor: str, training: Mapping[str, Any]) -> Plot:
    with style(anchor):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        figure.patch.set_alpha(0)
        left, right = figure.subplots(1, 2)
        scores = [100 * each for each in training["score"]] if _is_share(training) else list(training["score"])
        unit = ", %" if _is_share(training) else ""
        _draw(left, training["loss"], training["best_epoch"], ORANGE, "loss")
        _draw(right, scores, training["best_epoch"], BLUE, f"{training['score_name']}{unit}")
        caption = f"Kept: epoch {training['best_epoch']} (ring)." if training["best_epoch"] else ""
        return plot(anchor, f"Training of {training['name']}", figure, _told(training), caption)


def _is_share(training: Mapping[str, Any]) -> bool:
    return all(0 <= each <= 1 for each in training["score"])


def _draw(axes: Axes, values: Sequence[float], best: int | None, colour: str, name: str) -> None:
    epochs = range(1, len(values) + 1)
    axes.plot(epochs, values, color=colour, marker="o", markersize=4, linewidth=1.5)
    if best and best <= len(values):
        axes.plot(best, values[best - 1], "o", color=INK, markersize=10, markerfacecolor="none", markeredgewidth=1.2)
    axes.set_title(fill(name, TITLE), fontsize=10, loc="left")
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))
    axes.set_xlim(0.5, max(len(values), 1) + 0.5)
    axes.margins(x=0.1, y=0.15)
    axes.grid(visible=True)
    axes.patch.set_alpha(0)


def _told(training: Mapping[str, Any]) -> str:
    loss = ", ".join(f"{each:.3g}" for each in training["loss"])
    score = ", ".join(f"{each:.4g}" for each in training["score"])
    name = str(training["score_name"])
    told = {"Loss": loss, name[:1].upper() + name[1:]: score}
    return " ".join(f"{what} by epoch: {values}." for what, values in told.items() if values)
