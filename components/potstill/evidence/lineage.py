"""From what each artifact was made: the graph of the manifests' inputs, ancestors first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from potstill.artifacts import Artifact
from potstill.errors import ArtifactError
from potstill.one_line import one_line

Edge = tuple[str, str, str]
"""Digest of the parent, the parameter of the stage that read it, digest of the child."""


@dataclass(frozen=True)
class Lineage:
    """Artifacts in the order of their making.

    Attributes:
        order: digests, every artifact after all that it was made from; equal manifests give an equal order.
        edges: who was read by whom, in the order of the children.
    """

    order: tuple[str, ...]
    edges: tuple[Edge, ...]

    @classmethod
    def of(cls, manifests: Mapping[str, Artifact]) -> "Lineage":
        """Draw the graph.

        Args:
            manifests: every artifact by its digest.

        Raises:
            ArtifactError: an input that is none of them, by its parameter and the stage that read it; all of them are
                named. Or a circle, which no honest making can give.
        """
        _refuse_unknown(manifests)
        ranks = _ranks(manifests)
        order = tuple(sorted(manifests, key=lambda digest: (ranks[digest], _stage(manifests[digest]), digest)))
        return cls(order, tuple(_edges(manifests, order)))

    @property
    def roots(self) -> tuple[str, ...]:
        """Digests of the artifacts that were made from no other."""
        children = {child for _, _, child in self.edges}
        return tuple(digest for digest in self.order if digest not in children)

    def ancestors(self, digest: str) -> frozenset[str]:
        """Digests of all that an artifact was made from, at any distance, and its own."""
        found = {digest}
        for parent, _, child in reversed(self.edges):  # children come last
            if child in found:
                found.add(parent)
        return frozenset(found)


def _stage(artifact: Artifact) -> str:
    return str(artifact.made_by.get("stage", ""))


def _edges(manifests: Mapping[str, Artifact], order: tuple[str, ...]) -> Iterator[Edge]:
    for child in order:
        yield from ((parent, name, child) for name, parent in sorted(manifests[child].inputs.items()))


def _refuse_unknown(manifests: Mapping[str, Artifact]) -> None:
    lost = [
        f"{one_line(name)} {parent} of {_stage(child)}"
        for child in manifests.values()
        for name, parent in child.inputs.items()
        if parent not in manifests
    ]
    if lost:
        raise ArtifactError(f"the lineage has holes: {'; '.join(sorted(lost))}; give these artifacts, too")


def _ranks(manifests: Mapping[str, Artifact]) -> dict[str, int]:
    """Steps of the longest way from a root to each artifact.

    Raises:
        ArtifactError: artifacts that were made from one another.
    """
    ranks: dict[str, int] = {}
    left = dict(manifests)
    while left:
        ready = [digest for digest, each in left.items() if all(parent in ranks for parent in each.inputs.values())]
        if not ready:
            named = ", ".join(sorted(f"{_stage(each)} {digest[:12]}" for digest, each in left.items()))
            raise ArtifactError(f"the lineage goes in a circle among {named}; such manifests are forged")
        for digest in ready:
            ranks[digest] = 1 + max((ranks[parent] for parent in left[digest].inputs.values()), default=-1)
        for digest in ready:
            del left[digest]
    return ranks
