"""A release's evidence as a graph for people: every artifact, and the release itself at its end."""

from pathlib import Path

from potstill.artifacts import BUNDLE, MANIFEST, RELEASE, Artifact, sha256_of
from potstill.evidence.evidence import Evidence
from potstill.licences import USES
from potstill.lineage.graph import Node, direct_parents
from potstill.lineage.highlights import highlights
from potstill.lineage.outputs import title_of

WHOLE = "release"  # the id of the release; no digest, which all other ids are


def nodes_of(evidence: Evidence) -> dict[str, Node]:
    """Return each artifact by its digest, ancestors first, and the release last."""
    shipped = tuple(sorted(set(evidence.index.ships.values())))
    parents = {digest: tuple(evidence.manifests[digest].inputs.values()) for digest in evidence.lineage.order}
    direct = direct_parents({**parents, WHOLE: shipped})
    marks = {digest: f"{evidence.manifests[digest].licence.use} comes in here" for digest in origins_of(evidence)}
    nodes = {
        digest: _node(evidence.manifests[digest], direct[digest], marks.get(digest, ""))
        for digest in evidence.lineage.order
    }
    return {**nodes, WHOLE: _release(evidence, direct[WHOLE])}


def origins_of(evidence: Evidence) -> tuple[str, ...]:
    """Return the artifacts that brought a stricter use with them than all that they were made from, ancestors first."""
    stands = {digest: USES.index(each.licence.use) for digest, each in evidence.manifests.items()}
    read = {
        digest: max((stands[parent] for parent in evidence.manifests[digest].inputs.values()), default=0)
        for digest in evidence.lineage.order
    }
    return tuple(digest for digest in evidence.lineage.order if stands[digest] > read[digest])


def digest_of_folder(folder: Path) -> str:
    """Return the digest of the release or bundle; empty where its own manifest is not there."""
    manifest = folder / MANIFEST
    return sha256_of(manifest) if manifest.is_file() else ""


def stage_of(artifact: Artifact) -> str:
    """Return what made an artifact."""
    return str(artifact.made_by["stage"])


def code_of(artifact: Artifact) -> str:
    """Return the git revision of the code that made an artifact; where none is told, the digest of its source."""
    revision = str(artifact.made_by.get("revision", ""))
    return revision[:12] if revision else f"source {str(artifact.made_by.get('source', ''))[:12]}"


def _node(artifact: Artifact, parents: tuple[str, ...], mark: str) -> Node:
    told = [f"{name} {value}" for name, value in highlights(artifact)]
    return Node(
        title_of(stage_of(artifact)),
        stage_of(artifact),
        artifact.digest,
        parents,
        tuple(artifact.inputs),
        (artifact.kind, artifact.licence.use, *told, code_of(artifact)),
        mark,
    )


def _release(evidence: Evidence, parents: tuple[str, ...]) -> Node:
    index, signed = evidence.index, evidence.release is not None
    return Node(
        f"{index.name} {index.version}",
        "sign" if signed else "release",
        digest_of_folder(evidence.folder),
        parents,
        tuple(sorted(index.ships)),
        (BUNDLE if signed else RELEASE, index.licence.use, f"verdict {index.verdict}", index.licence.expression),
    )
