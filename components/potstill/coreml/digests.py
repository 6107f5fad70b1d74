"""Files that a package's metadata names by their sha256: those inside it, and those that lie beside it."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from potstill.artifacts import sha256_of
from potstill.errors import DamagedError

PREFIX = "potstill.sha256."  # then the path in the package's folder Data, or the name of a file beside the package


def require_inside(package: Path, metadata: Mapping[str, str]) -> None:
    """Compare the files inside a package with what its metadata says of them.

    Raises:
        DamagedError: one is missing, or another file.
    """
    for key, digest in metadata.items():
        inside = key.removeprefix(PREFIX)
        if key.startswith(PREFIX) and "/" in inside:
            require_within(package, inside)
            _require(package / "Data" / inside, digest)


def require_beside(file: Path, metadata: Mapping[str, str]) -> None:
    """Compare a file beside a package with what the package's metadata says of it, if it does.

    Raises:
        DamagedError: it is missing, or another file.
    """
    if PREFIX + file.name in metadata:
        _require(file, metadata[PREFIX + file.name])


def require_within(package: Path, inside: str) -> None:
    """Check a path that a package names.

    Raises:
        DamagedError: it leads out of the package.
    """
    path = PurePosixPath(inside)
    if path.is_absolute() or ".." in path.parts:
        raise DamagedError(f"{package} names {inside}, which leads out of the package; export it again")


def _require(file: Path, digest: str) -> None:
    if not file.is_file():
        raise DamagedError(f"{file} is missing, and the package names it by its sha256; export it again")
    if sha256_of(file) != digest:
        raise DamagedError(f"{file} is not the file that the package names by its sha256; export it again")
