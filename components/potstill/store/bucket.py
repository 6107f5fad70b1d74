"""A place below a prefix of an S3 bucket."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO, cast

from potstill.errors import InputError, MissingError
from potstill.store.objects import StoredObject, attempts_of, wait_after
from potstill.store.place import Place, parts_of
from potstill.store.s3 import SCHEME, code_of, connect, list_objects, telling

TAKEN = ("PreconditionFailed", "412")
UNDECIDED = ("ConditionalRequestConflict", "OperationAborted", "409")  # another writer is at it; ask again
# What a store says of a missing object where one may list below a prefix only: it does not tell what it may not list.
HIDDEN = ("AccessDenied", "403")
NO_OBJECT = ("NoSuchKey", "404")  # the second of a HEAD, which has no body to say more in


class BucketPlace(Place):
    """A prefix of a bucket; the bucket must exist. An object appears when its last byte has arrived."""

    def __init__(self, uri: str, bucket: str, prefix: str) -> None:
        self.uri, self.bucket, self.prefix = uri, bucket, prefix.rstrip("/")
        self.client = connect(uri)

    def keys(self, below: str = "") -> list[str]:
        """List page by page."""
        root = f"{self.prefix}/" if self.prefix else ""
        prefix = f"{self._name(below)}/" if below else root
        with telling(self.uri):
            found = list_objects(self.client, self.bucket, prefix)
        return sorted(each["Key"].removeprefix(root) for each in found)

    def write_from(self, key: str, stream: BinaryIO) -> None:
        """Upload; a large object in parts, of which nothing is seen before all have arrived."""
        name = self._name(key)
        with telling(f"{self.uri}/{key}"):
            self.client.upload_fileobj(stream, self.bucket, name)

    def write_new(self, key: str, data: bytes) -> None:
        """Upload in one request, on the condition that the store holds no such object."""
        with telling(f"{self.uri}/{key}"):
            for attempt in range(attempts_of(self.client)):
                if attempt:
                    wait_after(attempt)
                if self._decided(self._name(key), data):
                    return
        raise InputError(f"{self.uri}/{key}: the store could not tell which of several writers is first; run again")

    def open(self, key: str) -> BinaryIO:
        """Ask for ranges of it, on the condition that it is still the same."""
        name = self._name(key)
        with telling(f"{self.uri}/{key}"), self._told_from_a_missing_bucket(key):
            found = StoredObject.found(f"{SCHEME}{self.bucket}/{name}", self.bucket, name, self.client)
            return cast("BinaryIO", found.open())

    def read(self, key: str) -> bytes:
        """Download; a large object in parts, and a broken connection is taken up again."""
        stream, name = BytesIO(), self._name(key)
        with telling(f"{self.uri}/{key}"), self._told_from_a_missing_bucket(key):
            self.client.download_fileobj(self.bucket, name, stream)
        return stream.getvalue()

    def delete(self, keys: Iterable[str]) -> None:
        """Delete one by one: a request for many has no order."""
        for key in keys:
            name = self._name(key)
            with telling(f"{self.uri}/{key}"):
                self.client.delete_object(Bucket=self.bucket, Key=name)

    def _decided(self, name: str, data: bytes) -> bool:
        """Ask once to make an object; False where the store cannot yet say who is first."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 (as in s3.py)

        try:
            self.client.put_object(Bucket=self.bucket, Key=name, Body=data, IfNoneMatch="*")
        except ClientError as refused:
            if code_of(refused) not in (*TAKEN, *UNDECIDED):
                raise
            return code_of(refused) in TAKEN
        return True

    def _name(self, key: str) -> str:
        return "/".join([*([self.prefix] if self.prefix else []), *parts_of(key)])

    @contextmanager
    def _told_from_a_missing_bucket(self, key: str) -> Iterator[None]:
        from botocore.exceptions import ClientError  # noqa: PLC0415 (as in s3.py)

        try:
            yield
        except ClientError as refused:
            if code_of(refused) not in (*NO_OBJECT, *HIDDEN):
                raise
            # Raises where it is the bucket that is missing, or may not be listed.
            there = code_of(refused) != NO_OBJECT[0] and self._lists(self._name(key))
            if there and code_of(refused) in HIDDEN:
                raise
            raise MissingError(f"{self.uri} holds no {key}") from refused

    def _lists(self, name: str) -> bool:
        listed = self.client.list_objects_v2(Bucket=self.bucket, Prefix=name, MaxKeys=1)
        return any(each["Key"] == name for each in listed.get("Contents", ()))
