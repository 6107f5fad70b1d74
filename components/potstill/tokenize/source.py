"""What tokenize reads: a sealed data set or token set, a raw table, or one of them in an S3-compatible store."""

from dataclasses import dataclass
from pathlib import Path

from potstill.artifacts import DATASET, TOKENS, Artifact, expect, is_sealed
from potstill.data.tables import digest_of
from potstill.errors import InputError
from potstill.store import s3


@dataclass(frozen=True)
class Source:
    """Texts on this machine.

    Attributes:
        path: a file or a folder of files.
        digest: of a sealed folder its digest; of a raw table `data.tables.digest_of`.
        sealed: the sealed data set or token set, or None for a raw table, about whose licence nobody said anything.
    """

    path: Path
    digest: str
    sealed: Artifact | None


def open_source(data: str | Path, scratch: Path, digest: str) -> Source:
    """Find the table, fetch it from S3 if it lies there, and prove its digest where one is wanted.

    Args:
        data: path or `s3://` URI.
        scratch: a folder for what is fetched; it must exist.
        digest: the digest that the table must have; "" for any.

    Raises:
        InputError: no data named, no such table, or a raw table with another digest.
        ArtifactError: a sealed folder that is not whole, of another kind, or has another digest.
    """
    if not str(data):
        raise InputError("data is empty; wanted is a file, a folder or an s3:// URI")
    path = _fetch(str(data), scratch) if s3.is_s3(str(data)) else Path(data)
    if path.is_dir() and is_sealed(path):
        sealed = expect(path, DATASET, TOKENS, digest=digest)
        return Source(path, sealed.digest, sealed)
    found = digest_of(path)
    if digest and digest != found:
        raise InputError(f"{data} has digest {found}; wanted is {digest}: pass that table, or its own --data-digest")
    return Source(path, found, None)


def _fetch(uri: str, scratch: Path) -> Path:
    """Fetch into scratch; a single object becomes a single file, so that its digest is that of the file."""
    files = s3.fetch(uri, scratch)
    single = len(files) == 1 and files[0].name == uri.rpartition("/")[2]
    return files[0] if single else scratch
