"""What a disturbed text costs: points of accuracy lost, and labels that flip, under each disturbance, by model."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from potstill.measure.drawing import BLUE, GREY, INK, ORANGE, TEAL, panels, style
from potstill.validate.report.numbers import percent
from potstill.validate.report.plot import Plot, plot
from potstill.validate.report.plots.looks import WIDTH, title

ROW, AROUND = 0.42, 1.0  # inches: of a disturbance, of axis and legend
LOOKS = ((BLUE, "o"), (INK, "s"), (ORANGE, "^"), (TEAL, "D"), (GREY, "v"))
TOLD = "The further to the right, the worse."


def points_and_flips(figures: Mapping[str, Any]) -> list[Plot]:
    """Draw a dot for each model under each disturbance, twice; empty where no text was disturbed."""
    found = figures["robustness"]
    if not found or not any(each["models"] for each in found["disturbances"]):
        return []
    lost = _picture("robustness-lost", "Points lost", figures, "lost", "points of accuracy lost")
    flips = _picture("robustness-flips", "Labels that flip", figures, "flips", "% of the rows that changed")
    return [each for each in (lost, flips) if each]


def _picture(anchor: str, heading: str, figures: Mapping[str, Any], measure: str, axis: str) -> Plot | None:
    names, rows = _ordered(figures), figures["robustness"]["disturbances"]
    values = {name: _values(rows, name, measure) for name in names}
    if not any(values.values()):
        return None
    with style(anchor):
        figure, [axes] = panels(WIDTH, AROUND + ROW * len(rows))
        axes.axvline(0, color=INK, linewidth=1, alpha=0.6)
        for place, name in enumerate(names):
            _dots(axes, values[name], place, title(figures["models"], name, 99))
        _spans(axes, values)
        axes.set_yticks(range(len(rows)), [title({}, each["title"]) for each in rows])
        axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=axis)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=True, axis="x")
        figure.legend(loc="outside lower center", ncols=2, fontsize=9, columnspacing=1, handletextpad=0.4)
        return plot(anchor, heading, figure, f"{axis}. {_told(figures, values)}", TOLD)


def _ordered(figures: Mapping[str, Any]) -> list[str]:
    """The final model first: it is drawn filled."""
    return sorted(figures["robustness"]["models"], key=lambda name: name != figures["final"])


def _values(rows: list[Mapping[str, Any]], name: str, measure: str) -> dict[int, float]:
    """A model's value of each disturbance that it has one of, in %, by row."""
    found = {row: each["models"].get(name, {}).get(measure) for row, each in enumerate(rows)}
    return {row: 100 * value for row, value in found.items() if value is not None}


def _dots(axes: Axes, values: Mapping[int, float], place: int, name: str) -> None:
    colour, marker = LOOKS[place % len(LOOKS)]
    looks: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 7, "markeredgewidth": 1.4}
    fill = colour if place == 0 else "none"
    axes.plot(list(values.values()), list(values), linestyle="", markerfacecolor=fill, label=name, **looks)


def _spans(axes: Axes, values: Mapping[str, Mapping[int, float]]) -> None:
    """A line from the best to the worst of a disturbance."""
    for row in sorted({row for each in values.values() for row in each}):
        ends = [each[row] for each in values.values() if row in each]
        axes.plot([min(ends), max(ends)], [row, row], color=GREY, linewidth=1.5, alpha=0.6, zorder=1)


def _told(figures: Mapping[str, Any], values: Mapping[str, Mapping[int, float]]) -> str:
    told = []
    for row, each in enumerate(figures["robustness"]["disturbances"]):
        found = {title(figures["models"], name, 99): of[row] for name, of in values.items() if row in of}
        told.append(f"{each['title']}: " + ", ".join(f"{name} {percent(value / 100)}" for name, value in found.items()))
    return "; ".join(told)
