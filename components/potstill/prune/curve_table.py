"""The curve of a pruning as a table: a row of cells for each point, and the same as Markdown."""

from collections.abc import Sequence

from potstill.measure.size import MEGABYTE
from potstill.prune.curve import ENDS, Curve, Point, pareto

HEAD = (
    *("model", "layers", "hidden", "heads", "neurons", "vocabulary", "parameters", "fp32 MB"),
    *("MFLOPs", "ms", "accuracy %", "lost", "at most", "verdict"),
)
NONE = "—"


def rows(curve: Curve) -> list[tuple[str, ...]]:
    """Return the cells of each point, under HEAD; heads and neurons are those of all layers together."""
    worth = pareto(curve.points, ["parameters", curve.pace])
    return [_row(point, _verdict(curve, point, best=best)) for point, best in zip(curve.points, worth, strict=True)]


def markdown(curve: Curve, notes: Sequence[str]) -> str:
    """Lay the points out as a Markdown table, figures right-aligned, with notes below."""
    lines = [HEAD, ("---", *["---:"] * (len(HEAD) - 2), "---"), *rows(curve)]
    return "\n".join([*(f"| {' | '.join(cells)} |" for cells in lines), "", *(f"- {note}" for note in notes)])


def notes(curve: Curve, clock: str = "") -> list[str]:
    """Say what a reader must know to read the table rightly; clock: as for the picture."""
    judged = f"the paired one-sided {100 * curve.confidence:g} % bound of that loss, held against the floor"
    row = f"one row of {curve.max_length} tokens"
    return [
        f"Accuracy on {curve.rows:,} validation rows. Lost: points of it, against the start. At most: {judged}.",
        f"The floor is {curve.max_accuracy_drop:g} points lost. Prune ended at {ENDS[curve.stopped]}.",
        f"MFLOPs: {row}. Milliseconds: {clock or curve.clock}.",
        "Best: no other model is as accurate, as small and as fast.",
    ]


def _verdict(curve: Curve, point: Point, *, best: bool) -> str:
    said = {"chosen": point.round == curve.chosen, "below the floor": not point.above_floor, "best": best}
    return ", ".join(word for word, holds in said.items() if holds) or NONE


def _row(point: Point, verdict: str) -> tuple[str, ...]:
    return (
        point.name,
        f"{point.layers}",
        f"{point.hidden:,}",
        f"{sum(point.heads)}" if point.heads else NONE,
        f"{sum(point.neurons):,}",
        f"{point.vocabulary:,}",
        f"{point.parameters:,}",
        f"{point.bytes / MEGABYTE:.2f}",
        f"{point.flops / 1e6:,.1f}",
        NONE if point.latency_ms is None else f"{point.latency_ms:.2f}",
        f"{100 * point.accuracy:.2f}",
        f"{point.lost:.2f}",
        f"{point.lost_at_most:.2f}",
        verdict,
    )
