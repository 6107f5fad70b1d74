"""All evidence of a release, read strictly and found consistent in itself, before anybody signs or believes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from potstill.artifacts import RELEASE, Artifact, sha256_of
from potstill.errors import ArtifactError, InputError
from potstill.evidence.consistency import refuse_contradictions
from potstill.evidence.index import Index, read_index
from potstill.evidence.layout import DEFINITION_FOLDER, IMAGES, INDEX, MANIFESTS, REPORT_FOLDER, SUMMARY, VERDICT
from potstill.evidence.lineage import Lineage
from potstill.evidence.manifest import digest_of, read_evidence_manifest
from potstill.evidence.shape import mapping, texts
from potstill.evidence.verdict import read_verdict
from potstill.signing.strict_json import LARGEST, read_strict

MOST = 1000  # artifacts; a run of eight stages has a dozen


@dataclass(frozen=True)
class Evidence:
    """What a release says of itself.

    Attributes:
        folder: the release or the bundle.
        index: what release.json says.
        manifests: every artifact of the lineage by its digest; their `path` is the manifest's file.
        lineage: their order and edges.
        verdict: what verdict.json says.
        verdict_digest: SHA-256 of verdict.json.
        summary: what the report's summary.json says: every figure that comes out the same each time.
        definition: files of the definition: path inside it → SHA-256; empty where none was given.
        images: stage → image, as the definition tells it.
        release: in a bundle, the release's own manifest; else None.
    """

    folder: Path
    index: Index
    manifests: Mapping[str, Artifact]
    lineage: Lineage
    verdict: Mapping[str, Any]
    verdict_digest: str
    summary: Mapping[str, Any]
    definition: Mapping[str, str]
    images: Mapping[str, str]
    release: Artifact | None

    @property
    def report(self) -> Artifact:
        """The sealed report that is released."""
        return self.manifests[self.index.ships[REPORT_FOLDER]]

    @property
    def models(self) -> dict[str, Artifact]:
        """Folder → the artifact of the model that it holds."""
        ships = sorted(self.index.ships.items())
        return {folder: self.manifests[digest] for folder, digest in ships if folder.startswith("models/")}


def evidence_of(folder: Path) -> Evidence:
    """Read the evidence of a release or of a bundle; nothing is computed from the models themselves.

    That the shipped files are those of the manifests is for `refuse_other_files` to prove, from what `scan` found.

    Args:
        folder: the release/v1 or bundle/v1.

    Raises:
        InputError: a file that is not there, or not strict JSON of its shape.
        ArtifactError: facts that contradict one another; all of them are named.
    """
    index = read_index(_read(folder, INDEX), f"{folder / INDEX}")
    every = _manifests(folder)
    releases = [each for each in every.values() if each.kind == RELEASE]
    if len(releases) > 1:
        raise ArtifactError(f"{folder} holds manifests of {len(releases)} releases; wanted is one at most")
    manifests = {digest: each for digest, each in every.items() if each.kind != RELEASE}
    verdict = _read(folder, VERDICT)
    evidence = Evidence(
        folder=folder,
        index=index,
        manifests=manifests,
        lineage=Lineage.of(manifests),
        verdict=read_verdict(verdict, f"{folder / VERDICT}"),
        verdict_digest=digest_of(verdict),
        summary=mapping(read_strict(_read(folder, SUMMARY), f"{folder / SUMMARY}"), f"{folder / SUMMARY}"),
        definition=_definition(folder),
        images=_images(folder),
        release=releases[0] if releases else None,
    )
    refuse_contradictions(evidence)
    return evidence


def _read(folder: Path, inside: str) -> bytes:
    path = folder / inside
    if path.is_symlink() or not path.is_file():
        raise InputError(f"{path} is not there, or no plain file; wanted is a release or a bundle as potstill wrote it")
    if path.stat().st_size > LARGEST:
        raise InputError(f"{path} has {path.stat().st_size} bytes; evidence of more than {LARGEST} is not read")
    return path.read_bytes()


def _manifests(folder: Path) -> dict[str, Artifact]:
    """Every manifest by its digest, which must be the name of its file."""
    place = folder / MANIFESTS
    files = sorted(place.iterdir()) if place.is_dir() else []
    if not 0 < len(files) <= MOST:
        raise ArtifactError(f"{place} holds {len(files)} files; wanted are the 1 to {MOST} manifests of a release")
    found = {}
    for file in files:
        data = _read(folder, f"{MANIFESTS}/{file.name}")
        digest = digest_of(data)
        if file.name != f"{digest}.json":
            raise ArtifactError(f"{file} holds a manifest of digest {digest}; its name must be that digest")
        found[digest] = read_evidence_manifest(data, f"{file}", file)
    return found


def _definition(folder: Path) -> dict[str, str]:
    place = folder / DEFINITION_FOLDER
    files = sorted(each for each in place.rglob("*") if each.is_file()) if place.is_dir() else []
    return {each.relative_to(place).as_posix(): sha256_of(each) for each in files}


def _images(folder: Path) -> Mapping[str, str]:
    """Stage → image; no definition, or one without images, tells none."""
    inside = f"{DEFINITION_FOLDER}/{IMAGES}"
    if not (folder / inside).exists():
        return {}
    return texts(read_strict(_read(folder, inside), f"{folder / inside}"), f"{folder / inside}")
