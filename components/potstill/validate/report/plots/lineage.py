"""Where a release comes from, as a picture: what was made from what, by which stage."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from potstill.measure.drawing import BLUE, GREY, INK, panels, style
from potstill.validate.report.lineage import Node, layers, lineage_of
from potstill.validate.report.plot import Plot, plot
from potstill.validate.report.plots.looks import WIDTH

LAYER = 0.78  # inches: of a row of boxes with the way to the next
BOX_WIDTH, BOX_HEIGHT = 1.0, 0.56  # of a place's width; of a layer


def lineage_picture(figures: Mapping[str, Any]) -> Plot:
    """Draw what went in at the top and the report at the bottom; an edge that others imply is left out."""
    nodes = lineage_of(figures)
    rows = layers(nodes)
    broadest = max(len(row) for row in rows)
    with style("lineage"):
        figure, [axes] = panels(WIDTH, LAYER * len(rows) + 0.1)
        places = {
            name: _place(row, column, len(names), broadest)
            for row, names in enumerate(rows)
            for column, name in enumerate(names)
        }
        for name, node in nodes.items():
            for parent in node.parents:
                _edge(axes, places[parent], places[name])
        for name, node in nodes.items():
            _box(axes, places[name], node)
        axes.set(xlim=(-0.1, 1.25 * broadest + 0.1), ylim=(len(rows) - 0.3, -0.5))
        axes.axis("off")
        told = "; ".join(_told(node) for node in nodes.values())
        return plot(
            "lineage-picture",
            "What was made from what",
            figure,
            told,
            "Grey: known by its digest alone. An arrow that others imply is left out.",
        )


def _place(row: int, column: int, count: int, broadest: int) -> tuple[float, float]:
    middle = 1.25 * broadest / 2
    return middle + 1.25 * (column - (count - 1) / 2), float(row)


def _edge(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    below, above = (start[0], start[1] + BOX_HEIGHT / 2), (end[0], end[1] - BOX_HEIGHT / 2)
    axes.annotate(
        "",
        above,
        below,
        arrowprops={"arrowstyle": "-|>", "color": INK, "alpha": 0.55, "linewidth": 1, "shrinkA": 0, "shrinkB": 0},
    )


def _box(axes: Axes, place: tuple[float, float], node: Node) -> None:
    corner = place[0] - BOX_WIDTH / 2, place[1] - BOX_HEIGHT / 2
    colour = BLUE if node.stage else GREY
    shape = FancyBboxPatch(
        corner, BOX_WIDTH, BOX_HEIGHT, boxstyle="round,pad=0,rounding_size=0.08", mutation_aspect=0.8
    )
    shape.set(facecolor=colour + "22", edgecolor=colour, linewidth=1.2)
    axes.add_patch(shape)
    axes.annotate(
        node.title, place, (0, 6.5), textcoords="offset points", ha="center", va="center", fontsize=9, weight="bold"
    )
    by = f"{node.stage} · {node.digest[:8]}" if node.stage else node.digest[:12]
    axes.annotate(by, place, (0, -7), textcoords="offset points", ha="center", va="center", fontsize=7.5)


def _told(node: Node) -> str:
    made = f"made by {node.stage}" if node.stage else "known by its digest alone"
    return f"{node.title}, {made}" + (f", from {', '.join(node.made_from)}" if node.made_from else "")
