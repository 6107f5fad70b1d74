"""The curve of the pruning, as the report tells it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from potstill.prune.curve import Curve, curve_from

MEASURED_HERE = "PyTorch float, one thread, measured here"


def pruning_curve(figures: Mapping[str, Any]) -> tuple[Curve | None, str]:
    """Return the curve, and whose its milliseconds are: a table's, or those measured now where it has none."""
    if not figures["pruning"]:
        return None, ""
    curve, timed = curve_from(figures["pruning"]), figures["latency"]["rounds"]
    if curve.pace == "latency_ms" or not timed:
        return curve, ""
    points = tuple(replace(point, latency_ms=timed[point.name]) for point in curve.points)
    return replace(curve, points=points), MEASURED_HERE
