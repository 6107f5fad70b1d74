"""All evidence of a release, read strictly and found consistent in itself, before anybody signs or believes it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from potstill.artifacts import RELEASE, Artifact, sha256_of
from potstill.errors import ArtifactError
from potstill.evidence.consistency import refuse_contradictions
from potstill.evidence.evidence import Evidence
from potstill.evidence.index import read_index
from potstill.evidence.layout import (
    DEFINITION_FOLDER,
    IMAGES,
    INDEX,
    MANIFESTS,
    PARAMETERS,
    SUMMARY,
    VERDICT,
)
from potstill.evidence.lineage import Lineage
from potstill.evidence.manifest import digest_of, read_evidence_manifest
from potstill.evidence.potstills import maker_of
from potstill.evidence.reading import files_inside, read_inside
from potstill.evidence.shape import mapping, texts
from potstill.evidence.verdict import read_verdict
from potstill.signing.strict_json import read_strict

MOST = 1000  # artifacts; a run of eight stages has a dozen


def evidence_of(folder: Path) -> Evidence:
    """Read the evidence of a release or of a bundle; nothing is computed from the models themselves.

    That the shipped files are those of the manifests is for `refuse_other_files` to prove, from what `scan` found.

    Args:
        folder: the release/v1 or bundle/v1.

    Raises:
        InputError: a file that is not there, or not strict JSON of its shape.
        ArtifactError: facts that contradict one another; all of them are named.
    """
    index = read_index(read_inside(folder, INDEX), f"{folder / INDEX}", maker_of(folder))
    every = _manifests(folder)
    releases = [each for each in every.values() if each.kind == RELEASE]
    if len(releases) > 1:
        raise ArtifactError(f"{folder} holds manifests of {len(releases)} releases; wanted is one at most")
    manifests = {digest: each for digest, each in every.items() if each.kind != RELEASE}
    verdict = read_inside(folder, VERDICT)
    evidence = Evidence(
        folder=folder,
        index=index,
        manifests=manifests,
        lineage=Lineage.of(manifests),
        verdict=read_verdict(verdict, f"{folder / VERDICT}"),
        verdict_digest=digest_of(verdict),
        summary=mapping(read_strict(read_inside(folder, SUMMARY), f"{folder / SUMMARY}"), f"{folder / SUMMARY}"),
        definition=_definition(folder),
        parameters=_mapping(folder, f"{DEFINITION_FOLDER}/{PARAMETERS}"),
        images=texts(_mapping(folder, f"{DEFINITION_FOLDER}/{IMAGES}"), f"{folder / DEFINITION_FOLDER / IMAGES}"),
        release=releases[0] if releases else None,
    )
    refuse_contradictions(evidence)
    return evidence


def _manifests(folder: Path) -> dict[str, Artifact]:
    """Every manifest by its digest, which must be the name of its file."""
    place = folder / MANIFESTS
    files = sorted(place.iterdir()) if place.is_dir() else []
    if not 0 < len(files) <= MOST:
        raise ArtifactError(f"{place} holds {len(files)} files; wanted are the 1 to {MOST} manifests of a release")
    found = {}
    for file in files:
        data = read_inside(folder, f"{MANIFESTS}/{file.name}")
        digest = digest_of(data)
        if file.name != f"{digest}.json":
            raise ArtifactError(f"{file} holds a manifest of digest {digest}; its name must be that digest")
        found[digest] = read_evidence_manifest(data, f"{file}", file)
    return found


def _definition(folder: Path) -> dict[str, str]:
    place = folder / DEFINITION_FOLDER
    return {each.relative_to(place).as_posix(): sha256_of(each) for each in files_inside(folder, DEFINITION_FOLDER)}


def _mapping(folder: Path, inside: str) -> Mapping[str, Any]:
    """A JSON file of the definition; no definition, or one without it, tells nothing."""
    path = folder / inside
    return mapping(read_strict(read_inside(folder, inside), f"{path}"), f"{path}") if path.exists() else {}
