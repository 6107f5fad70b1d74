"""The one style of all plots, as SVG text: drawn without a screen, the same bytes each time, for light and dark."""

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#010203"  # stands for the page's text colour, which is not known here; `svg` puts it in
BLUE, ORANGE, TEAL, RED = "#6b7fd7", "#d9822b", "#2a9d8f", "#d05a4e"  # each readable on white and on black
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
    "legend.frameon": False,
}
LIGHT, DARK = "#1f2430", "#e4e7ee"  # the ink of a drawing that stands alone
TITLE_HEIGHT = 11  # points
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def style(salt: str) -> Any:
    """Draw in the style; enter it before anything is drawn.

    Args:
        salt: makes element ids stable; another one for each plot of a page, so that they differ.
    """
    return mpl.rc_context({**STYLE, "svg.hashsalt": salt})


def panels(width: float, height: float, count: int = 1) -> tuple[Figure, list[Axes]]:
    """Make a figure of `count` panels side by side that share their y axis; width, height: in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0)
    made = [figure.add_subplot(1, count, 1)]
    made += [figure.add_subplot(1, count, place, sharey=made[0]) for place in range(2, count + 1)]
    for axes in made:
        axes.patch.set_alpha(0)
    for axes in made[1:]:
        axes.tick_params(labelleft=False)
    return figure, made


def write_titles(
    figure: Figure, axes: Axes, points: Sequence[tuple[float, float, str]], width: float, lift: float = 0
) -> None:
    """Write each title beside its point, moved up where another title stands already.

    Args:
        figure: what the axes are part of.
        axes: with its points drawn.
        points: x, y and title of each.
        width: of the longest title, in points.
        lift: how far above its point a title stands, in points.
    """
    figure.draw_without_rendering()  # lays the axes out, so that places are known
    taken: list[tuple[float, float]] = []
    for across, up, title in sorted(points, key=lambda point: point[1]):
        x, y = axes.transData.transform((across, up)) * 72 / figure.dpi
        free = y
        for other_x, other_y in sorted(taken, key=lambda place: place[1]):
            if abs(other_x - x) < width and abs(free - other_y) < TITLE_HEIGHT:
                free = other_y + TITLE_HEIGHT
        taken.append((x, free))
        axes.annotate(title, (across, up), (8, free - y + lift), textcoords="offset points", va="center", fontsize=9)


def svg(figure: Figure) -> str:
    """Render a figure for a page: in the page's ink, as wide as the page lets it be."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata=NO_METADATA)
    drawing = stream.getvalue()
    drawing = drawing[drawing.index("<svg") :].replace(INK, "currentColor")
    return re.sub(r' (?:width|height)="[\d.]+pt"', "", drawing, count=2)


def standalone(drawing: str) -> str:
    """Give a drawing of `svg` its own ink, dark on light and light on dark, so that it can be a file of its own."""
    inks = f"svg {{ color: {LIGHT} }} @media (prefers-color-scheme: dark) {{ svg {{ color: {DARK} }} }}"
    return drawing.replace(">", f">\n <style>{inks}</style>", 1)
