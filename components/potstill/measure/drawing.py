"""The one style of all plots, as SVG text: drawn without a screen, the same bytes each time, for light and dark."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

INK = "#010203"  # stands for the page's text colour, which is not known here; `svg` puts it in
BLUE, ORANGE, TEAL, RED = "#6b7fd7", "#d9822b", "#2a9d8f", "#d05a4e"  # each readable on white and on black
GREY = "#808b9c"  # likewise
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, selectable, in the page's font
    "text.parse_math": False,  # a `$` in a title is a dollar
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
SHORT = 6  # times from end to end of a logarithmic axis: too few of 1, 2 and 5 lie within
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


@contextmanager
def style(salt: str) -> Iterator[None]:
    """Draw in the style; enter it before anything is drawn.

    Args:
        salt: makes element ids stable; another one for each plot of a page, so that they differ.
    """
    with mpl.rc_context({**STYLE, "svg.hashsalt": salt}), warnings.catch_warnings():
        # Text is drawn by who shows the page, in a font of theirs; matplotlib's own need not have the character.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield


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


def logarithmic(axis: Axis) -> None:
    """Make an axis logarithmic, with plain numbers at 1, 2 and 5, or closer where it is short; its limits are set."""
    (axis.axes.set_xscale if axis is axis.axes.xaxis else axis.axes.set_yscale)("log")
    least, most = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)) if most > SHORT * least else MaxNLocator(5))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


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
