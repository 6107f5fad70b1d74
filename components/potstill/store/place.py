"""What a store is to potstill: whole objects by key, in a folder of a file system or below a prefix of a bucket."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from io import BytesIO
from typing import BinaryIO

from potstill.errors import InputError


class Place(ABC):
    """A folder in a file system, or a prefix in an S3 store.

    A key is a path below the place, its parts parted by `/`. An object is there whole or not at all: a reader never
    meets half of one, whenever its writer is killed.

    Attributes:
        uri: the place as it was given, without a slash at the end.
    """

    uri: str

    @abstractmethod
    def keys(self, below: str = "") -> list[str]:
        """List the objects, at any depth, sorted; empty where nothing is.

        Args:
            below: only those below this folder; the keys remain relative to the place.

        Raises:
            InputError: the store refuses.
        """

    @abstractmethod
    def write_from(self, key: str, stream: BinaryIO) -> None:
        """Write an object from an open file that can be sought in, instead of what was there.

        Raises:
            InputError: the store refuses, is full, or the key is none.
        """

    @abstractmethod
    def write_new(self, key: str, data: bytes) -> None:
        """Write an object where none is; where one is, nothing changes. Of several writers at once, one is first.

        Whether one's own bytes stand there, only reading them back tells: the answer to a write can be lost, and the
        repeated write then finds an object which the first one made. Not every store heeds the condition, either
        (`conditions.require_conditions` finds out).

        Raises:
            InputError: the store refuses, is full, knows no such writes, or the key is none.
        """

    @abstractmethod
    def open(self, key: str) -> BinaryIO:
        """Open an object as a file that can be sought in and is read piece by piece, never whole in memory.

        Its bytes are those of one moment: where it is written over in between, reading on is refused or gives the old.

        Raises:
            MissingError: it is not there.
            InputError: the store refuses, or the key is none.
        """

    @abstractmethod
    def read(self, key: str) -> bytes:
        """Read a whole object.

        Raises:
            MissingError: it is not there.
            InputError: the store refuses, or the key is none.
        """

    @abstractmethod
    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects in the order given: when it is cut short, those that remain are the last.

        An object that is not there is no error.

        Raises:
            InputError: the store refuses, or a key is none.
        """

    def write(self, key: str, data: bytes) -> None:
        """Write an object from memory; else as `write_from`."""
        self.write_from(key, BytesIO(data))


def parts_of(key: str) -> list[str]:
    """Split a key into its parts.

    Raises:
        InputError: the key is empty, leads out of the place, or names one object in two ways.
    """
    parts = key.split("/")
    if {"", ".", ".."}.intersection(parts) or "\0" in key:
        raise InputError(f"{key!r} is not a key; wanted is a path below the place, without '..' and empty parts")
    return parts
