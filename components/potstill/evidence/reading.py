"""Files of a release as evidence: plain, there, and not larger than evidence is."""

from pathlib import Path

from potstill.artifacts import plain_files
from potstill.errors import ArtifactError, InputError
from potstill.signing.strict_json import LARGEST


def read_inside(folder: Path, inside: str) -> bytes:
    """Read a file of a release or a bundle.

    Args:
        folder: the release/v1 or bundle/v1.
        inside: the file's path in it.

    Raises:
        InputError: it is not there, a link, or larger than evidence is.
    """
    path = folder / inside
    if path.is_symlink() or not path.is_file():
        raise InputError(f"{path} is not there, or no plain file; wanted is a release or a bundle as potstill wrote it")
    if path.stat().st_size > LARGEST:
        raise InputError(f"{path} has {path.stat().st_size} bytes; evidence of more than {LARGEST} is not read")
    return path.read_bytes()


def files_inside(folder: Path, inside: str) -> list[Path]:
    """List the files of a folder in a release or a bundle, sorted; none where it is not there.

    Raises:
        ArtifactError: a link on the way to it or in it, anything else that is not plain, or what cannot be listed.
    """
    place = folder
    for part in Path(inside).parts:
        place /= part
        if place.is_symlink():
            raise ArtifactError(f"{place} is a link; a release holds plain files only")
    return sorted(plain_files(place)) if place.is_dir() else []
