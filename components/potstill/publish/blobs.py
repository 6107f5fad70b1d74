"""Files in a store by the digest of their bytes, believed only when they have been read back."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from potstill.artifacts import File
from potstill.errors import ArtifactError, InputError, MissingError
from potstill.publish.layout import blob_key
from potstill.store.objects import BLOCK_BYTES
from potstill.store.place import Place


def keep(place: Place, source: Path, file: File) -> bool:
    """Have a file in the store, whole. One that is there already is read, and replaced where it is damaged.

    Args:
        place: the store.
        source: the file.
        file: its length and digest.

    Returns: whether it had to be uploaded.

    Raises:
        InputError: the store refuses, or gives back other bytes than it was given.
    """
    if _holds(place, file):
        return False
    with source.open("rb") as stream:
        place.write_from(blob_key(file.sha256), stream)
    if not _holds(place, file):
        raise InputError(
            f"{place.uri}/{blob_key(file.sha256)} reads other than it was written; {source} was changed meanwhile, or "
            "the store damages what it keeps: run again, and if it stays so, use another store"
        )
    return True


def bring(place: Place, file: File, part: Path) -> None:
    """Fetch a file, digesting it as it comes; what an earlier, killed fetch brought of it is not fetched again.

    Args:
        place: the store.
        file: its length and digest.
        part: where it is written; whole when this returns, and gone where the bytes are not those of the digest.

    Raises:
        ArtifactError: it is not there, or has other bytes.
        InputError: the store refuses.
    """
    with _opened(place, file) as stream, part.open("a+b") as written:
        if written.tell() and _go_on(stream, written, file):
            return
        written.truncate(0)
        if _go_on(stream, written, file):
            return
    part.unlink()
    raise ArtifactError(
        f"{place.uri}/{blob_key(file.sha256)} ({file.path}) holds other bytes than its name says: the store is "
        "damaged, or not to be trusted; publish the bundle again"
    )


def read_blob(place: Place, file: File, largest: int) -> bytes:
    """Read a small file whole.

    Raises:
        ArtifactError: it is not there, or has other bytes.
        InputError: it is larger than `largest`, or the store refuses.
    """
    if file.bytes > largest:
        raise InputError(f"{file.path} has {file.bytes} bytes; at most {largest} are read, as none has more")
    with _opened(place, file) as stream:
        data = stream.read(file.bytes)
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise ArtifactError(f"{place.uri}/{blob_key(file.sha256)} ({file.path}) holds other bytes than its name says")
    return data


@contextmanager
def _opened(place: Place, file: File) -> Iterator[BinaryIO]:
    where = f"{place.uri}/{blob_key(file.sha256)} ({file.path})"
    try:
        stream = place.open(blob_key(file.sha256))
    except MissingError as missing:
        raise ArtifactError(f"{where} is not there: the release is not whole; publish it again") from missing
    with stream:
        length = stream.seek(0, os.SEEK_END)
        if length != file.bytes:
            raise ArtifactError(f"{where} has {length} bytes, not {file.bytes}; publish the bundle again")
        stream.seek(0)
        yield stream


def _holds(place: Place, file: File) -> bool:
    try:
        with _opened(place, file) as stream:
            return _digest(stream) == file.sha256
    except ArtifactError:
        return False


def _go_on(stream: BinaryIO, written: BinaryIO, file: File) -> bool:
    """Write what is not yet written of a stream; tell whether all of it has the digest."""
    written.seek(0)
    found = hashlib.sha256()
    for block in _blocks(written):
        found.update(block)
    stream.seek(min(written.tell(), file.bytes))
    for block in _blocks(stream):
        found.update(block)
        written.write(block)
    written.flush()
    return found.hexdigest() == file.sha256 and written.tell() == file.bytes


def _digest(stream: BinaryIO) -> str:
    found = hashlib.sha256()
    for block in _blocks(stream):
        found.update(block)
    return found.hexdigest()


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: stream.read(BLOCK_BYTES), b"")
