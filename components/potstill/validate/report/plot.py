"""A picture in a page: in the page's colours, with a name, and told in words for whoever cannot see it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

from markupsafe import Markup
from matplotlib.figure import Figure

from potstill.measure.drawing import BLUE, GREY, ORANGE, RED, TEAL, svg

COLOURS = {BLUE: "blue", ORANGE: "orange", TEAL: "teal", RED: "red", GREY: "grey"}  # of style.css, by scheme


@dataclass(frozen=True)
class Plot:
    """A picture and its words.

    Attributes:
        anchor: its id in the page.
        title: its heading.
        drawing: the SVG element.
        caption: what a reader must know.
        wide: it needs the width of a page, and is small within a column.
        head, rows: its figures as a table that can be unfolded; the first column names the row.
    """

    anchor: str
    title: str
    drawing: Markup
    caption: str = ""
    wide: bool = False
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    def with_figures(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> "Plot":
        """Return the picture with a table of its figures, for paper, touch and whoever cannot tell the marks apart."""
        return replace(self, head=tuple(head), rows=tuple(map(tuple, rows)))


def plot(
    anchor: str, title: str, figure: Figure | str, told: str, caption: str = "", tips: Mapping[str, str] | None = None
) -> Plot:
    """Make a picture of a page from a matplotlib figure, or from what `drawing.svg` made of one.

    Args:
        anchor: of the picture; one of its own in each page.
        title: its heading.
        figure: drawn in `drawing.style`.
        told: the figures in words; read aloud in the picture's place.
        caption: below it.
        tips: what the pointer is told over an artist, by the artist's gid.
    """
    drawing = figure if isinstance(figure, str) else svg(figure)
    for gid, tip in (tips or {}).items():
        drawing = drawing.replace(f'<g id="{gid}">', f"<g><title>{escape(tip)}</title>", 1)
    drawing = _without_idle_ids(_in_colours(drawing), anchor)
    described = f'{anchor}-told"'
    opening = f'<svg id="{anchor}-drawing" role="img" aria-label="{escape(title)}" aria-describedby="{described}'
    drawing = drawing.replace("<svg", opening, 1).replace(">", f'><desc id="{described}>{escape(told)}</desc>', 1)
    return Plot(anchor, title, Markup(drawing), caption, wide=isinstance(figure, str))  # noqa: S704 - told is escaped


def _in_colours(drawing: str) -> str:
    """Each colour as the page's own, which is another by night; the fonts are the page's too."""
    for colour, name in COLOURS.items():
        drawing = drawing.replace(colour, f"var(--{name})")
    drawing = re.sub(r"font-family: [^;\"]*;? ?", "", drawing)
    drawing = re.sub(r' transform="rotate\(-?0 [^"]*"', "", drawing)
    return re.sub(r"<metadata>.*?</metadata>\s*", "", drawing, flags=re.DOTALL)


def _without_idle_ids(drawing: str, anchor: str) -> str:
    """Drop the ids that nothing refers to: they are many, and the same in each picture of a page."""
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', drawing))
    drawing = re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in used else "", drawing)
    return re.sub(r'(url\(#|href="#| id=")(?=[\w-]+[)"])', rf"\g<1>{anchor}-", drawing)
