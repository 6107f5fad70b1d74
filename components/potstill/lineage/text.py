"""The lineage as text: a tree from the release back to data and teacher, and how each of them was made."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from potstill.artifacts import Artifact
from potstill.evidence.evidence import Evidence
from potstill.lineage.facts import WHOLE, code_of, digest_of_folder, nodes_of, stage_of
from potstill.lineage.graph import Node
from potstill.lineage.highlights import highlights
from potstill.lineage.shown import UNPROVED, cut, padded, shown, width

DIGITS = 12  # of a digest: enough to find it by
HEAD = ("artifact", "stage", "kind", "digest", "use", "code")
WIDEST = 44  # columns of a cell
LINE = 100  # columns of an option line
Row = tuple[str, ...]


def text_of(evidence: Evidence) -> Iterator[str]:
    """Yield the lines: what is released, the tree of what it was made from, and the options of each stage."""
    yield from _whole(evidence)
    yield ""
    rows = [HEAD, *_tree(WHOLE, nodes_of(evidence), evidence)]
    yield from _table(rows)
    yield ""
    yield "made with"
    for digest in reversed(evidence.lineage.order):
        yield from _options(evidence.manifests[digest])
    yield ""
    yield UNPROVED


def _whole(evidence: Evidence) -> Iterator[str]:
    index, digest = evidence.index, digest_of_folder(evidence.folder)
    yield shown(f"{index.name} {index.version}" + (f", digest {digest}" if digest else ""))
    yield shown(f"{index.licence.use}: {index.licence.expression}")
    override = f", released all the same: {index.override}" if index.override else ""
    yield shown(f"verdict {index.verdict}{override}")


def _tree(root: str, nodes: Mapping[str, Node], evidence: Evidence) -> Iterator[Row]:
    """A row for each artifact, below what was made from it; where it stands a second time it is only named.

    Args:
        root: id of what the tree begins with.
        nodes: all artifacts by id.
        evidence: their manifests.
    """
    seen: set[str] = set()
    ahead: list[tuple[str, str, str]] = [(root, "", "")]  # id, what stands before it, what before its parents
    while ahead:
        name, before, under = ahead.pop()
        node = nodes[name]
        if name in seen:
            yield (f"{before}{shown(node.title)}, see above", "", "", node.digest[:DIGITS], "", "")
            continue
        seen.add(name)
        yield (f"{before}{shown(node.title)}", *_cells(node, evidence.manifests.get(name)))
        parents = _by_place(node.parents, nodes)
        for place, parent in reversed(list(enumerate(parents))):
            last = place == len(parents) - 1
            ahead.append((parent, f"{under}{'└ ' if last else '├ '}", f"{under}{'  ' if last else '│ '}"))


def _by_place(parents: Sequence[str], nodes: Mapping[str, Node]) -> list[str]:
    """In the order of the making, so that equal evidence gives an equal tree."""
    order = list(nodes)
    return sorted(parents, key=order.index)


def _cells(node: Node, artifact: Artifact | None) -> Row:
    if artifact is None:
        return (node.stage, node.told[0], node.digest[:DIGITS], node.told[1], "")
    stage, kind, use = stage_of(artifact), artifact.kind, artifact.licence.use
    return tuple(map(shown, (stage, kind, artifact.digest[:DIGITS], use, code_of(artifact))))


def _table(rows: Sequence[Row]) -> Iterator[str]:
    cells = [[cut(cell, WIDEST) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(padded(cell, room) for cell, room in zip(row, widths, strict=True)).rstrip()


def _options(artifact: Artifact) -> Iterator[str]:
    told = ", ".join(f"{name} {value}" for name, value in highlights(artifact)) or "no options"
    start = f"  {padded(stage_of(artifact), 17)} {artifact.digest[:DIGITS]}  "
    lines = wrap(shown(told), LINE - len(start), break_on_hyphens=False) or [""]
    yield start + lines[0]
    yield from (" " * len(start) + line for line in lines[1:])
