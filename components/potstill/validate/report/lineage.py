"""The chain of digests that a report's figures tell, as a graph."""

from collections.abc import Mapping
from typing import Any

from potstill.lineage.graph import Node, direct_parents, layers

__all__ = ["Node", "layers", "lineage_of"]

REPORT = "report"


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
    direct = direct_parents({digest: tuple(parents.get(digest, {}).values()) for digest in titles})
    return {
        digest: Node(
            title.replace("_", " "),
            stages.get(digest, ""),
            digest,
            direct[digest],
            tuple(parents.get(digest, {})),
        )
        for digest, title in titles.items()
    }
