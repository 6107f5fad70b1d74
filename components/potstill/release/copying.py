"""Files into the release, byte for byte."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from potstill.artifacts import MANIFEST, Artifact
from potstill.evidence.layout import manifest_path, ships_file


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


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, and the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
