"""Sealed folders that lie below a folder, by the digest of their manifests."""

import os
from collections.abc import Iterator
from pathlib import Path

from potstill.artifacts import MANIFEST, Artifact, expect, is_sealed, read_manifest, sha256_of
from potstill.errors import ArtifactError, InputError

LARGEST = 64_000_000  # bytes of a manifest; a larger file of its name is none


class Originals:
    """Every sealed folder below a folder; what they hold is read and proved only when it is asked for."""

    def __init__(self, root: Path | None):
        """Look through a folder, links followed; None: nothing is known.

        Raises:
            InputError: no such folder.
        """
        if root is not None and not root.is_dir():
            raise InputError(f"{root} is not a folder; pass the one that holds the artifacts of the run")
        self.root = root
        self.folders = {sha256_of(each / MANIFEST): each for each in _sealed(root)} if root else {}

    def find(self, wanted: Artifact) -> Path | None:
        """Return the whole artifact of a digest; None where it is not there.

        Raises:
            ArtifactError: it is there, and its files are not those of its manifest.
        """
        folder = self.folders.get(wanted.digest)
        return expect(folder, wanted.kind, digest=wanted.digest).path if folder else None

    def alike(self, wanted: Artifact) -> Path | None:
        """Return an artifact of the same kind with the very same files, whoever sealed it; None where there is none."""
        for folder in self.folders.values():
            if _is_alike(folder, wanted):
                return expect(folder, wanted.kind).path
        return None


def _is_alike(folder: Path, wanted: Artifact) -> bool:
    try:
        found = read_manifest(folder)
    except ArtifactError:  # a file of that name that is no manifest of ours is passed by
        return False
    return found.kind == wanted.kind and found.files == wanted.files


def _sealed(root: Path) -> Iterator[Path]:
    seen: set[Path] = set()
    for folder, inside, _ in os.walk(root, followlinks=True):
        path = Path(folder)
        if path.resolve() in seen:  # two links to one folder, or a circle of them
            inside.clear()
            continue
        seen.add(path.resolve())
        inside.sort()
        if is_sealed(path):
            inside.clear()
            if (path / MANIFEST).stat().st_size <= LARGEST:
                yield path
