"""Objects of a bucket as files that are read by byte ranges: never whole in memory, and never on the disk.

What is left to botocore: signing, connecting, and trying a request again with jitter (AWS_RETRY_MODE,
AWS_MAX_ATTEMPTS). What it does not do is go on when the body of an answer breaks off; that is done here, within as many
attempts. smart_open was weighed: it goes on, too, but by waits of its own, 31 s without jitter whatever the AWS
variables say; it takes no smaller bite than all the rest of an object, which a Parquet file read by columns throws
away at each seek; and it would not notice a store that ignores ranges or If-Match. pyarrow's S3FileSystem sends no
If-Match, so that two passes could read different bytes.
"""

import hashlib
import io
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from potstill.errors import InputError
from potstill.progress import progress
from potstill.store.s3 import STRANGER, code_of, telling

BLOCK_BYTES = 4 << 20  # of one request of a pass from the first byte to the last
PIECE_BYTES = 64 << 10  # of a body at a time: where it breaks off, at most so much is asked for twice
ATTEMPTS = 3  # botocore's own default, which it does not tell
LONGEST_WAIT = 20.0  # seconds, as in botocore


def attempts_of(client: Any) -> int:
    """How often a client asks before it gives up, as AWS_MAX_ATTEMPTS says."""
    return int(client.meta.config.retries.get("total_max_attempts", ATTEMPTS))


def wait_after(attempt: int) -> None:
    """Wait as botocore does before it asks again: longer each time, and never as long as another client does."""
    time.sleep(random.random() * min(2**attempt, LONGEST_WAIT))  # noqa: S311 - jitter, no secret


@dataclass(frozen=True)
class StoredObject:
    """An object as it was when it was first seen; once it changes, it can no longer be read.

    Attributes:
        uri: where it lies, for messages.
        bucket: its bucket.
        key: its key.
        size: its bytes.
        etag: the store's name for these bytes.
        client: what it is asked with.
    """

    uri: str
    bucket: str
    key: str
    size: int
    etag: str
    client: Any = field(repr=False, compare=False)

    @classmethod
    def found(cls, uri: str, bucket: str, key: str, client: Any) -> "StoredObject":
        """Ask for an object's first byte: unlike a HEAD, a refusal of that says why.

        Raises:
            botocore.exceptions.ClientError: it is not there, or the store refuses; `telling` explains it.
            InputError: the server is no S3 store.
        """
        from botocore.exceptions import ClientError  # noqa: PLC0415 (as in s3.py)

        try:
            answer = client.get_object(Bucket=bucket, Key=key, Range="bytes=0-0")
            answer["Body"].close()
        except ClientError as refused:
            if code_of(refused) != "InvalidRange":
                raise
            return cls(uri, bucket, key, 0, "", client)  # it has no first byte
        size = str(answer.get("ContentRange", "")).rpartition("/")[2]
        if not size.isdigit() or "ETag" not in answer:
            raise InputError(f"{uri}: {STRANGER}, without ETag or range; check AWS_ENDPOINT_URL")
        return cls(uri, bucket, key, int(size), answer["ETag"], client)

    def open(self) -> io.RawIOBase:
        """Open it at its first byte; nothing is asked before something is read."""
        return _Reader(self)

    def sha256(self) -> str:
        """Return the SHA-256 (hex) of its bytes, all of which are read, block by block."""
        found = hashlib.sha256()
        with self.open() as stream:
            blocks = iter(lambda: stream.read(BLOCK_BYTES), b"")
            count = -(-self.size // BLOCK_BYTES)
            for block in progress(blocks, f"digest of {self.uri}", count, f"block of {BLOCK_BYTES >> 20} MiB"):
                found.update(block or b"")
        return found.hexdigest()


class _Reader(io.RawIOBase):
    """A file whose every read is one ranged request, of as many bytes as are wanted."""

    def __init__(self, stored: StoredObject) -> None:
        self._stored, self._place = stored, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._stored.size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def readall(self) -> bytes:
        return self.read(max(0, self._stored.size - self._place)) or b""

    def readinto(self, buffer: Any, /) -> int:
        with memoryview(buffer).cast("B") as view:
            wanted = view[: max(0, self._stored.size - self._place)]
            if wanted:
                self._fill(wanted)
            self._place += len(wanted)
            return len(wanted)

    def _fill(self, wanted: memoryview) -> None:
        """Ask, and where an answer breaks off ask for the rest, as often as the client may try."""
        attempts = attempts_of(self._stored.client)
        got = self._take(wanted, self._place)
        for attempt in range(attempts - 1):
            if got == len(wanted):
                return
            wait_after(attempt)
            got += self._take(wanted[got:], self._place + got)
        if got < len(wanted):
            raise InputError(
                f"{self._stored.uri}: the connection broke off at byte {self._place + got} of {self._stored.size}, "
                f"at the last of {attempts} attempts; check AWS_ENDPOINT_URL and the network, or raise AWS_MAX_ATTEMPTS"
            )

    def _take(self, wanted: memoryview, first: int) -> int:
        """Ask once for the bytes from `first`; return how many came before the answer was over or broke off."""
        from botocore.exceptions import HTTPClientError, IncompleteReadError  # noqa: PLC0415 (as in s3.py)
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - what botocore lets through, as of broken TLS

        body, got = self._ask(first, first + len(wanted) - 1), 0
        try:
            while got < len(wanted) and (piece := body.read(min(PIECE_BYTES, len(wanted) - got))):
                wanted[got : got + len(piece)] = piece
                got += len(piece)
        except (HTTPClientError, IncompleteReadError, HTTPError):
            return got
        finally:
            body.close()
        return got

    def _ask(self, first: int, last: int) -> Any:
        """Ask for a range of these very bytes, and believe no store that gives others."""
        stored = self._stored
        with telling(stored.uri), _told_as_changed(stored.uri):
            answer = stored.client.get_object(
                Bucket=stored.bucket, Key=stored.key, Range=f"bytes={first}-{last}", IfMatch=stored.etag
            )
        if answer.get("ETag") == stored.etag and answer.get("ContentRange") == f"bytes {first}-{last}/{stored.size}":
            return answer["Body"]
        answer["Body"].close()
        if answer.get("ETag") != stored.etag:
            raise InputError(_changed(stored.uri))
        given = answer.get("ContentRange") or "all of it"
        raise InputError(
            f"{stored.uri}: asked for bytes {first}-{last}, the store gives {given}; check that AWS_ENDPOINT_URL is S3"
        )


@contextmanager
def _told_as_changed(uri: str) -> Iterator[None]:
    from botocore.exceptions import ClientError  # noqa: PLC0415 (as in s3.py)

    try:
        yield
    except ClientError as refused:
        if code_of(refused) in ("PreconditionFailed", "412", "InvalidRange", "416"):
            raise InputError(_changed(uri)) from refused
        if code_of(refused) == "NoSuchKey":
            raise InputError(f"{uri} was deleted while it was read; run again when nobody writes there") from refused
        raise


def _changed(uri: str) -> str:
    return f"{uri} was changed while it was read; run again when nobody writes there"
