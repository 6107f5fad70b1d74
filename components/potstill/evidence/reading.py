"""Files of a release as evidence: plain, there, and not larger than evidence is."""

from pathlib import Path

from potstill.errors import InputError
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
