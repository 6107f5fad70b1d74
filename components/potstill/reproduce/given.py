"""The artifacts that nothing makes again: found by digest, by their files, or imported again from a pinned source."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from potstill.artifacts import Artifact, expect, is_sealed, read_manifest
from potstill.data.known import KNOWN_DATA, KnownData
from potstill.encoder.known import KNOWN_CHECKPOINTS, KnownCheckpoint
from potstill.errors import ArtifactError
from potstill.lineage.highlights import option
from potstill.lineage.shown import shown
from potstill.progress import tell
from potstill.reproduce.adopting import adopt, copy_as
from potstill.reproduce.comparing import differences
from potstill.reproduce.here import Machine
from potstill.reproduce.originals import Originals
from potstill.reproduce.plan import Plan, named, stage_of
from potstill.reproduce.running import environment_of, last_words, run

OPTIONS = ("name", "licence", "use")  # of an import; a pinned source has no revision
KNOWN: Mapping[str, Mapping[str, KnownData | KnownCheckpoint]] = {
    "import-data": KNOWN_DATA,
    "import-checkpoint": KNOWN_CHECKPOINTS,
}


@dataclass(frozen=True)
class Given:
    """An artifact that is there.

    Attributes:
        artifact: its manifest, as the evidence has it.
        path: its folder.
        how: how it came there, in words.
    """

    artifact: Artifact
    path: Path
    how: str


def find_given(plan: Plan, originals: Originals) -> dict[str, Given | None]:
    """Look for each artifact that is given; None: it is to be imported again.

    Raises:
        ArtifactError: some are not there, and cannot be imported again; all of them are named.
    """
    found = {each.digest: _find(each, originals) for each in plan.given}
    lost = [each for each in plan.given if found[each.digest] is None and not known_source(each)]
    if lost:
        told = "; ".join(f"{named(each)} ({each.kind}{_origin(each)})" for each in lost)
        below = f" below {originals.root}" if originals.root else ""
        raise ArtifactError(
            f"{told}: not found{below}; pass --artifacts FOLDER with the sealed folders, or with ones of the same "
            "files, as potstill import-data and import-checkpoint make them"
        )
    return found


def fetch_given(wanted: Artifact, found: Given | None, folder: Path, machine: Machine) -> Given:
    """Make what was found ready to be read: as it is, as a copy with the manifest of the evidence, or imported again.

    Args:
        wanted: the artifact.
        found: where its files are; None: they are imported.
        folder: for a copy or an import.
        machine: what is computed with.

    Raises:
        ArtifactError: it cannot be imported, or came out with other files.
    """
    if found is not None and read_manifest(found.path).digest == wanted.digest:
        return found
    if _is_there(wanted, folder):
        return Given(wanted, folder, found.how if found else "imported again by an earlier run")
    if found is None:
        return Given(wanted, _import_again(wanted, folder, machine), f"imported again from {known_source(wanted)}")
    copy_as(wanted, found.path, folder)
    return Given(wanted, folder, found.how)


def known_source(artifact: Artifact) -> str:
    """Return the name by which a pinned source is imported again; empty where there is none."""
    packages = {name: each.package for name, each in KNOWN.get(stage_of(artifact), {}).items()}
    origins = {package.origin: name for name, package in packages.items()}
    return origins.get(str(artifact.meaning.get("source", "")), "")


def _find(wanted: Artifact, originals: Originals) -> Given | None:
    path = originals.find(wanted)
    if path is not None:
        return Given(wanted, path, f"found at {path}")
    path = originals.alike(wanted)
    return Given(wanted, path, f"the same {len(wanted.files)} files, sealed anew, at {path}") if path else None


def _is_there(wanted: Artifact, folder: Path) -> bool:
    """Tell whether an earlier run in the same place has it ready."""
    if not is_sealed(folder) or read_manifest(folder).digest != wanted.digest:
        return False
    expect(folder, wanted.kind, digest=wanted.digest)
    return True


def _import_again(wanted: Artifact, folder: Path, machine: Machine) -> Path:
    source, stage = known_source(wanted), stage_of(wanted)
    tell(f"{named(wanted)}: importing {source} again")
    config = wanted.made_by["config"]
    options = [f"--{name}={option(config[name])}" for name in OPTIONS if config.get(name)]
    command = [sys.executable, "-m", "potstill", stage, "--source", source, "--out", str(folder), *options]
    log = folder.with_suffix(".log")
    if run(command, environment_of(wanted, machine), log):
        raise ArtifactError(f"{named(wanted)} cannot be imported again: {last_words(log)}; pass --artifacts with it")
    made = read_manifest(folder)
    if made.files != wanted.files:
        told = "; ".join(differences(wanted, made, None))
        raise ArtifactError(f"{named(wanted)}, imported again from {source}, has other files: {told}")
    adopt(wanted, folder)
    return folder


def _origin(artifact: Artifact) -> str:
    told = shown(artifact.meaning.get("source", ""))
    return f" from {told}" if told else ""
