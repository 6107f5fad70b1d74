"""Where the boxes of a layered picture stand, and by which places its lines go: past every box that they do not touch.

A line over several layers passes each of them in a lane of its own, as if it were a small box; the order within a
layer is that of the neighbours, which leaves few crossings.
Source: Sugiyama, Tagawa and Toda, IEEE SMC-11 (1981).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from potstill.lineage.graph import Node, depths

SWEEPS = 8  # there and back through the layers; what they can mend is mended by then
LANE = 0.35  # of the room of a box, that a line needs which passes

Slot = tuple[str, str, int]
"""A place in a layer: (id, "", layer) of a box, (parent, child, layer) of a line that passes."""
Point = tuple[float, float]
"""Layer, and place within it around 0, where a box takes 1."""


@dataclass(frozen=True)
class Arranged:
    """A picture's places.

    Attributes:
        boxes: where each artifact stands.
        lines: for each edge, the places that it goes by, from its parent to its child.
        layers: how many there are.
        lowest, highest: the outermost places within a layer that anything takes.
    """

    boxes: Mapping[str, Point]
    lines: Mapping[tuple[str, str], Sequence[Point]]
    layers: int
    lowest: float
    highest: float


def arrange(nodes: Mapping[str, Node]) -> Arranged:
    """Find a place for every box and line; the same for the same nodes, whatever their order."""
    depth = depths(nodes)
    ways = {
        (parent, name): _way(parent, name, depth) for name in sorted(nodes) for parent in sorted(nodes[name].parents)
    }
    rows = _rows(depth, ways)
    beside = _neighbours(ways)
    for sweep in range(SWEEPS):
        _sweep(rows if sweep % 2 == 0 else rows[::-1], beside)
    places = dict(place for row in rows for place in _placed(row))
    across = [place for _, place in places.values()] or [0.0]
    return Arranged(
        {name: places[name, "", depth[name]] for name in sorted(nodes)},
        {edge: [places[slot] for slot in way] for edge, way in ways.items()},
        len(rows),
        min(across) - 0.5,
        max(across) + 0.5,
    )


def _way(parent: str, child: str, depth: Mapping[str, int]) -> list[Slot]:
    lanes = [(parent, child, layer) for layer in range(depth[parent] + 1, depth[child])]
    return [(parent, "", depth[parent]), *lanes, (child, "", depth[child])]


def _rows(depth: Mapping[str, int], ways: Mapping[tuple[str, str], Sequence[Slot]]) -> list[list[Slot]]:
    slots = {(name, "", layer) for name, layer in depth.items()} | {slot for way in ways.values() for slot in way}
    count = 1 + max(depth.values(), default=-1)
    return [sorted(slot for slot in slots if slot[2] == layer) for layer in range(count)]


def _neighbours(ways: Mapping[tuple[str, str], Sequence[Slot]]) -> dict[Slot, list[Slot]]:
    beside: dict[Slot, list[Slot]] = {}
    for way in ways.values():
        for before, after in pairwise(way):
            beside.setdefault(before, []).append(after)
            beside.setdefault(after, []).append(before)
    return beside


def _sweep(rows: Sequence[list[Slot]], beside: Mapping[Slot, Sequence[Slot]]) -> None:
    """Order each row by where the neighbours in the row before stand on average."""
    for before, row in pairwise(rows):
        at = dict(_placed(before))
        stands = dict(_placed(row))
        means = {}
        for slot in row:
            known = [at[each][1] for each in beside.get(slot, ()) if each in at]
            means[slot] = sum(known) / len(known) if known else stands[slot][1]
        row.sort(key=lambda slot: (means[slot], slot))


def _placed(row: Sequence[Slot]) -> Iterator[tuple[Slot, Point]]:
    """Give each slot of a row its place, the row being centred."""
    widths = [LANE if child else 1.0 for _, child, _ in row]
    at = -sum(widths) / 2
    for slot, width in zip(row, widths, strict=True):
        yield slot, (float(slot[2]), at + width / 2)
        at += width
