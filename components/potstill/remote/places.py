"""Where a folder or a file lies, as KFP and people write it: s3://, KFP's minio://, file://, or a path."""

from pathlib import Path
from urllib.parse import unquote

from potstill.errors import OptionError
from potstill.store.place import Place
from potstill.store.places import FILE, open_place
from potstill.store.s3 import is_s3

MINIO, S3 = "minio://", "s3://"


def standard(place: str) -> str:
    """Write minio:// as s3://: it means the same bucket, at the endpoint that AWS_ENDPOINT_URL names."""
    return f"{S3}{place.removeprefix(MINIO)}" if place.startswith(MINIO) else place


def on_disk(place: str) -> Path | None:
    """The path of a place on this machine's disks; None for one in a store.

    Raises:
        OptionError: a place of neither sort.
    """
    if is_s3(standard(place)):
        return None
    if place.startswith(FILE):
        return Path(unquote(place.removeprefix(FILE)))
    if "://" in place:
        raise OptionError(f"{place} is in no store that is read here; pass s3://bucket/prefix, file:///path or a path")
    return Path(place)


def write_file(place: str, data: bytes) -> None:
    """Write one file.

    Raises:
        InputError: the store or the disk refuses.
    """
    folder, name = _holding(place)
    folder.write(name, data)


def read_file(place: str) -> bytes:
    """Read one file.

    Raises:
        InputError: it is not there, or the store refuses.
    """
    folder, name = _holding(place)
    return folder.read(name)


def _holding(place: str) -> tuple[Place, str]:
    path = on_disk(place)
    if path is not None:
        return open_place(path.absolute().parent.as_uri()), path.name
    folder, _, name = standard(place).rpartition("/")
    return open_place(folder), name
