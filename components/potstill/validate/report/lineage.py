"""The chain of digests as a graph: what was made from what, without the edges that others imply."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REPORT = "report"


@dataclass(frozen=True)
class Node:
    """An artifact.

    Attributes:
        title: what its children call it.
        stage: what made it; empty where no manifest of it was read.
        digest: of its manifest, hexadecimal.
        parents: ids of what it was made from, as far as no other parent was made from that.
        made_from: titles of everything that it was made from.
    """

    title: str
    stage: str
    digest: str
    parents: tuple[str, ...]
    made_from: tuple[str, ...] = ()


def lineage_of(figures: Mapping[str, Any]) -> dict[str, Node]:
    """Return each artifact by its digest, the report too; what is known by its digest alone has no stage."""
    inputs = figures["lineage"]
    parents = {each["digest"]: dict(each["inputs"]) for each in inputs.values()}
    parents[figures["report"]] = {name: each["digest"] for name, each in inputs.items()}
    titles = {figures["report"]: REPORT} | {each["digest"]: name for name, each in inputs.items()}
    stages = {figures["report"]: "validate"} | {each["digest"]: each["stage"] for each in inputs.values()}
    for made_from in parents.values():
        for name, digest in made_from.items():
            titles.setdefault(digest, name)
    above = _ancestors({digest: set(parents.get(digest, {}).values()) for digest in titles})
    return {
        digest: Node(
            title.replace("_", " "),
            stages.get(digest, ""),
            digest,
            tuple(sorted(_direct(set(parents.get(digest, {}).values()), above))),
            tuple(parents.get(digest, {})),
        )
        for digest, title in titles.items()
    }


def layers(nodes: Mapping[str, Node]) -> list[list[str]]:
    """Return the ids in rows, each below everything that it was made from; within a row in a fixed order."""
    depth: dict[str, int] = {}

    def deep(name: str) -> int:
        if name not in depth:
            depth[name] = 1 + max((deep(parent) for parent in nodes[name].parents), default=-1)
        return depth[name]

    for name in nodes:
        deep(name)
    _sink_the_given(nodes, depth)
    rows: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name in nodes:
        rows[depth[name]].append(name)
    return rows


def _sink_the_given(nodes: Mapping[str, Node], depth: dict[str, int]) -> None:
    """What was given stands right above the first that was made from it: no arrow passes a box."""
    for name, node in nodes.items():
        children = [depth[child] for child, each in nodes.items() if name in each.parents]
        if not node.parents and children:
            depth[name] = min(children) - 1


def _ancestors(parents: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Everything above each."""
    found: dict[str, set[str]] = {}

    def above(name: str) -> set[str]:
        if name not in found:
            found[name] = set()  # a chain of digests has no circle; one in a broken file must not hang the page
            found[name] = parents[name].union(*(above(parent) for parent in parents[name]))
        return found[name]

    for name in parents:
        above(name)
    return found


def _direct(parents: set[str], above: Mapping[str, set[str]]) -> set[str]:
    return {parent for parent in parents if not any(parent in above[other] for other in parents - {parent})}
