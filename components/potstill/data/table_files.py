"""The files of a table, wherever they lie: read in the same way from a disk and from a store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from io import RawIOBase
from pathlib import Path
from typing import cast

from potstill.artifacts import sha256_of
from potstill.store.objects import StoredObject


@dataclass(frozen=True)
class TableFile:
    """One file of a table.

    Attributes:
        name: how messages call it, a path or a URI.
        inside: its path below the folder that was given; of a single file its name.
        size: its bytes.
        open: opens it at its first byte, to be read and sought in, without a buffer.
        digest: reads all of it; SHA-256 (hex) of its bytes.
        ending: what tells the format, as .csv.gz; that of its name, or of its content where its name has none.
    """

    name: str
    inside: str
    size: int
    open: Callable[[], RawIOBase]
    digest: Callable[[], str]
    ending: str = ""

    def __str__(self) -> str:
        """Its name, for messages."""
        return self.name


@dataclass(frozen=True)
class Table:
    """One file of rows, or a folder of them.

    Attributes:
        name: how messages call it, a path or a URI.
        files: its table files, sorted by their paths' parts, at least one.
        single: whether it was given as a file, not as a folder that may hold one.
    """

    name: str
    files: tuple[TableFile, ...]
    single: bool


def file_on_disk(path: Path, inside: str) -> TableFile:
    """Describe a file of this machine."""
    opened = cast("Callable[[], RawIOBase]", partial(path.open, "rb", buffering=0))
    return TableFile(str(path), inside, path.stat().st_size, opened, partial(sha256_of, path))


def files_in_store(objects: Mapping[str, StoredObject]) -> list[TableFile]:
    """Describe objects of a store, by their paths below the folder; "" is that of a single one."""
    return [
        TableFile(each.uri, below or each.key.rpartition("/")[2], each.size, each.open, each.sha256)
        for below, each in objects.items()
    ]
