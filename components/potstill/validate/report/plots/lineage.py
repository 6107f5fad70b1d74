"""Where a release comes from, as a picture: what was made from what, by which stage."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from potstill.lineage.drawing import DOWN, draw, in_words
from potstill.validate.report.lineage import lineage_of
from potstill.validate.report.plot import Plot, plot


def lineage_picture(figures: Mapping[str, Any]) -> Plot:
    """Draw what went in at the top and the report at the bottom, as potstill lineage draws a whole release."""
    nodes = lineage_of(figures)
    made = plot(
        "lineage-picture",
        "What was made from what",
        draw(nodes, DOWN),
        in_words(nodes),
        "Grey: known by its digest alone. An arrow that others imply is left out.",
    )
    return replace(made, wide=False)  # it stands beside the table of its digests
