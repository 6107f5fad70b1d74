"""What each part of a model takes: embeddings, every layer of the encoder, the head, and the graph itself."""

from collections.abc import Iterable
from pathlib import Path

from potstill.artifacts import scan
from potstill.coreml.inspection.facts import Part, WeightFacts
from potstill.measure.parts import EMBEDDINGS, HEAD, OTHER, part_of

GRAPH = "graph, names and padding"


def bytes_of(path: Path) -> int:
    """Return the bytes of a package's files, or of the one file."""
    return path.stat().st_size if path.is_file() else sum(file.bytes for file in scan(path))


def by_part(weights: Iterable[WeightFacts], total: int) -> tuple[Part, ...]:
    """Sum weights up by the part of the model that they belong to.

    Args:
        weights: of the function that is looked at.
        total: bytes of the package; what no weight takes is the graph's.
    """
    found: dict[str, int] = {}
    for each in weights:
        name = part_of(each.name)
        found[name] = found.get(name, 0) + each.bytes
    layers = sorted((name for name in found if name.startswith("layer ")), key=lambda name: int(name.split()[1]))
    order = [name for name in (EMBEDDINGS, *layers, HEAD, OTHER) if name in found]
    return (*(Part(name, found[name]) for name in order), Part(GRAPH, max(0, total - sum(found.values()))))
