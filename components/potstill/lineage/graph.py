"""The graph of what was made from what: without the edges that others imply, and in layers."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from graphlib import TopologicalSorter


@dataclass(frozen=True)
class Node:
    """An artifact.

    Attributes:
        title: what its children call it.
        stage: what made it; empty where no manifest of it was read.
        digest: of its manifest, hexadecimal.
        parents: ids of what it was made from, as far as no other parent was made from that.
        made_from: titles of everything that it was made from.
        told: further lines for who points at it.
        mark: what a reader must not miss of it; such a box stands out.
    """

    title: str
    stage: str
    digest: str
    parents: tuple[str, ...]
    made_from: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    mark: str = ""


def direct_parents(parents: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Leave out every parent that another parent was made from: the way over the other one shows it, too.

    Args:
        parents: ids of what each was made from; each of these is a key, too.
    """
    above = _ancestors(parents)
    return {name: tuple(sorted(_direct(set(found), above))) for name, found in parents.items()}


def layers(nodes: Mapping[str, Node]) -> list[list[str]]:
    """Return the ids in rows, each below everything that it was made from; within a row in a fixed order."""
    depth = depths(nodes)
    rows: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in nodes:
        rows[depth[name]].append(name)
    return rows


def depths(nodes: Mapping[str, Node]) -> dict[str, int]:
    """Return the row of each, from 0. What was given stands right above the first that was made from it."""
    depth: dict[str, int] = {}
    for name in in_order({name: node.parents for name, node in nodes.items()}):
        depth[name] = 1 + max((depth[parent] for parent in nodes[name].parents), default=-1)
    nearest: dict[str, int] = {}
    for name, node in nodes.items():
        for parent in node.parents:
            nearest[parent] = min(nearest.get(parent, depth[name]), depth[name])
    return {name: nearest.get(name, 1) - 1 if not node.parents else depth[name] for name, node in nodes.items()}


def in_order(parents: Mapping[str, Iterable[str]]) -> Iterable[str]:
    """Return the ids, each after everything that it was made from."""
    return TopologicalSorter(parents).static_order()


def _ancestors(parents: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Everything above each."""
    found: dict[str, set[str]] = {}
    for name in in_order(parents):
        own = set(parents.get(name, ()))
        found[name] = own.union(*(found[parent] for parent in own))
    return found


def _direct(parents: Set[str], above: Mapping[str, Set[str]]) -> set[str]:
    return {parent for parent in parents if not any(parent in above[other] for other in parents - {parent})}
