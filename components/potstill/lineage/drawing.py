"""The lineage as SVG: layers of boxes, what was given first, arrows to what was made from it; no script, no id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from potstill.lineage.graph import Node
from potstill.lineage.layout import Arranged, Point, arrange
from potstill.lineage.shown import cut, markup, shown

BLUE, GREY = "#6b7fd7", "#808b9c"  # as in every picture of potstill: each readable on white and on black
AMBER = "#b7791f"  # what a reader must not miss
LIGHT, DARK = "#1f2430", "#e4e7ee"  # the ink of a drawing that stands alone
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'PingFang SC', 'Noto Sans CJK SC', sans-serif"
HEAD = 6.0  # length of an arrow's head
MARGIN = 4.0
TITLE, SMALL = 13.0, 11.0  # px
COLUMN = {TITLE: 7.6, SMALL: 6.0}  # px of a letter, about
SPACING = 16.0  # px from line to line in a box
THREE_LINES = 56.0  # px of a box that has room for as many
DIGITS, FEW = 12, 8  # of a digest


@dataclass(frozen=True)
class Grid:
    """How the layers run, and the sizes in px.

    Attributes:
        down: layers from the top to the bottom; else from left to right.
        width, height: of a box.
        between_layers, between_boxes: the gaps.
        least: the room of a layer, at least, so that a picture of few boxes has letters of the same size.
    """

    down: bool
    width: float
    height: float
    between_layers: float
    between_boxes: float
    least: float = 0

    def at(self, place: Point, arranged: Arranged) -> tuple[float, float]:
        """Return the middle of a place."""
        along = place[0] * self._layer + self._along / 2 + MARGIN
        free = self._across(arranged) - (arranged.highest - arranged.lowest) * self._box
        across = (place[1] - arranged.lowest) * self._box + free / 2
        return (across, along) if self.down else (along, across)

    def size(self, arranged: Arranged) -> tuple[float, float]:
        """Return width and height of the picture."""
        along = arranged.layers * self._layer - self.between_layers + 2 * MARGIN
        return (self._across(arranged), along) if self.down else (along, self._across(arranged))

    def _across(self, arranged: Arranged) -> float:
        return max(self.least, (arranged.highest - arranged.lowest) * self._box + 2 * MARGIN)

    @property
    def reach(self) -> float:
        """From the middle of a box to the side that arrows enter and leave."""
        return self._along / 2

    @property
    def _along(self) -> float:
        return self.height if self.down else self.width

    @property
    def _layer(self) -> float:
        return self._along + self.between_layers

    @property
    def _box(self) -> float:
        return (self.width if self.down else self.height) + self.between_boxes


ACROSS = Grid(down=False, width=126, height=58, between_layers=26, between_boxes=20)
DOWN = Grid(down=True, width=200, height=42, between_layers=24, between_boxes=24, least=480)
NARROW = Grid(down=True, width=140, height=58, between_layers=22, between_boxes=14)  # two boxes fit on a phone


def draw(nodes: Mapping[str, Node], grid: Grid = ACROSS) -> str:
    """Draw what was made from what, in the ink and the font of the page that holds the drawing.

    Args:
        nodes: every artifact by an id.
        grid: ACROSS, from left to right, or DOWN.
    """
    arranged = arrange(nodes)
    width, height = grid.size(arranged)
    edges = (_arrow(way, arranged, grid) for way in arranged.lines.values())
    boxes = (_box(nodes[name], grid.at(place, arranged), grid) for name, place in arranged.boxes.items())
    inside = "\n".join((*edges, *boxes))
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(height)}">\n{inside}\n</svg>'


def standalone(drawing: str, title: str, told: str) -> str:
    """Make a file of its own of a drawing: named, told in words, its ink dark on light and light on dark.

    Args:
        drawing: as `draw` makes it.
        title: its name.
        told: what it shows, in words.
    """
    box = drawing.split('viewBox="0 0 ', 1)[1].split('"', 1)[0]
    width, height = box.split(" ")
    opening = f'<svg width="{width}" height="{height}" role="img" aria-labelledby="name told" font-family="{FONT}"'
    style = f"svg {{ color: {LIGHT} }} @media (prefers-color-scheme: dark) {{ svg {{ color: {DARK} }} }}"
    names = f'<title id="name">{markup(title)}</title><desc id="told">{markup(told)}</desc><style>{style}</style>'
    return drawing.replace("<svg", opening, 1).replace(">", f">\n{names}", 1) + "\n"


def in_words(nodes: Mapping[str, Node]) -> str:
    """Tell the picture to whoever cannot see it."""
    return "; ".join(_words(node) for node in nodes.values())


def _words(node: Node) -> str:
    made = f"made by {node.stage}" if node.stage else "known by its digest alone"
    parents = f", from {', '.join(node.made_from)}" if node.made_from else ""
    return f"{node.title}, {made}{parents}{f', {node.mark}' if node.mark else ''}"


def _box(node: Node, middle: tuple[float, float], grid: Grid) -> str:
    x, y = middle
    colour, stroke = (AMBER, 3.0) if node.mark else (BLUE if node.stage else GREY, 1.3)
    corner = f'x="{_n(x - grid.width / 2)}" y="{_n(y - grid.height / 2)}"'
    by = [node.stage, node.digest[:DIGITS]]
    if grid.height < THREE_LINES and node.stage:
        by = [f"{node.stage} · {node.digest[:FEW]}"]
    lines = ((node.title, TITLE), *((text, SMALL) for text in by))
    told = [(text, size) for text, size in lines if text]
    first = y + 4.5 - SPACING * (len(told) - 1) / 2
    written = (
        _text(text, x, first + SPACING * place, size, grid.width, bold=place == 0)
        for place, (text, size) in enumerate(told)
    )
    return (
        f"<g><title>{markup('; '.join((_words(node), node.digest, *node.told)))}</title>"
        f'<rect {corner} width="{_n(grid.width)}" height="{_n(grid.height)}" rx="7" fill-opacity="0.13" '
        f'stroke-width="{_n(stroke)}" style="fill: {colour}; stroke: {colour}"/>{"".join(written)}</g>'
    )


def _text(text: str, x: float, y: float, size: float, room: float, *, bold: bool = False) -> str:
    """A line in the middle of a box, cut where it would stand out."""
    seen = cut(shown(text), int((room - 8) / COLUMN[size]))
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}"{weight} text-anchor="middle" fill="currentColor">'
        f"{markup(seen)}</text>"
    )


def _arrow(way: Sequence[Point], arranged: Arranged, grid: Grid) -> str:
    """A line from a parent to its child, straight where it can be, with a head."""
    points = [grid.at(place, arranged) for place in way]
    stations = [_moved(points[0], grid.reach, grid), *_passing(points[1:-1], grid)]
    end = _moved(points[-1], -grid.reach, grid)
    stations.append(_moved(end, -HEAD, grid))
    path = f"M{_at(stations[0])}" + "".join(_curve(a, b, grid) for a, b in pairwise(stations))
    head = " ".join(_at(each) for each in (end, *_heels(end, grid)))
    return (
        f'<g opacity="0.6"><path d="{path}" fill="none" stroke="currentColor" stroke-width="1.2"/>'
        f'<polygon points="{head}" fill="currentColor"/></g>'
    )


def _passing(points: Sequence[tuple[float, float]], grid: Grid) -> list[tuple[float, float]]:
    """The lanes that a line takes, each as long as a box: there it runs straight."""
    return [_moved(each, by, grid) for each in points for by in (-grid.reach, grid.reach)]


def _heels(end: tuple[float, float], grid: Grid) -> list[tuple[float, float]]:
    x, y = _moved(end, -HEAD - 1, grid)
    half = HEAD / 2
    return [(x - half, y), (x + half, y)] if grid.down else [(x, y - half), (x, y + half)]


def _moved(point: tuple[float, float], by: float, grid: Grid) -> tuple[float, float]:
    return (point[0], point[1] + by) if grid.down else (point[0] + by, point[1])


def _curve(start: tuple[float, float], end: tuple[float, float], grid: Grid) -> str:
    half = ((end[1] - start[1]) if grid.down else (end[0] - start[0])) / 2
    return f" C{_at(_moved(start, half, grid))} {_at(_moved(end, -half, grid))} {_at(end)}"


def _at(point: tuple[float, float]) -> str:
    return f"{_n(point[0])},{_n(point[1])}"


def _n(value: float) -> str:
    """A number as short as it can be, the same on every machine."""
    return f"{value:.1f}".removesuffix(".0")
