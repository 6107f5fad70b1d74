"""What may be made again in its own place: the same release, and no other."""

from pathlib import Path

from potstill.artifacts import is_sealed, read_manifest
from potstill.errors import ArtifactError
from potstill.evidence.index import Index


def refuse_other_release(folder: Path, index: Index) -> None:
    """Refuse to replace a release or a bundle by one of another name or version.

    Args:
        folder: where it is to be written.
        index: of what is to be written.

    Raises:
        ArtifactError: another release lies there.
    """
    if not is_sealed(folder):
        return
    there = read_manifest(folder).meaning
    if not {"name", "version"} <= set(there):
        return  # of another kind, which no stage replaces
    if (there["name"], there["version"]) != (index.name, index.version):
        raise ArtifactError(
            f"{folder} holds {there['name']} {there['version']}, which {index.name} {index.version} would replace; "
            "pass another folder, or delete that one"
        )
