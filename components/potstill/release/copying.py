"""Files into the release, byte for byte."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from potstill.artifacts import MANIFEST, Artifact, File
from potstill.errors import ArtifactError
from potstill.evidence.layout import manifest_path, ships_file
from potstill.evidence.names import name_offences
from potstill.one_line import one_line


def copy_artifacts(released: Path, ships: Mapping[str, Artifact]) -> None:
    """Copy the files that are shipped of each artifact.

    Args:
        released: the release's folder.
        ships: folder in it → artifact.
    """
    for folder, artifact in ships.items():
        for file in artifact.files:
            if ships_file(file.path):
                place = released / folder / file.path
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(artifact.path / file.path, place)


def copy_manifests(released: Path, artifacts: Iterable[Artifact]) -> None:
    """Copy the manifest of every artifact, under its digest."""
    for each in artifacts:
        write_bytes(released / manifest_path(each.digest), (each.path / MANIFEST).read_bytes())


def refuse_strange_names(files: Iterable[File]) -> None:
    """Make no release that nobody could verify: by names that some system cannot write, or reads otherwise.

    Args:
        files: of the release.

    Raises:
        ArtifactError: every such name, and every two that are one elsewhere.
    """
    offences = list(name_offences(each.path for each in files))
    if offences:
        raise ArtifactError(one_line(f"the release would hold {'; '.join(offences)}; rename what was exported"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, and the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
