"""Reading weight.bin: 64 bytes of header, then records, each found by its offset.

A record is `0xDEADBEEF` (4 bytes), its data type (4), the length of its data in bytes (8) and where they begin (8).

Source: MILBlob, StorageFormat.hpp, in apple/coremltools.
"""

import struct
from pathlib import Path

import numpy as np

from potstill.errors import DamagedError

RECORD = struct.Struct("<IIQQ")
SENTINEL = 0xDEADBEEF


class WeightFile:
    """The weights of a package, read where they lie."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._bytes = (
            np.memmap(path, np.uint8, "r") if path.is_file() and path.stat().st_size else np.empty(0, np.uint8)
        )

    def read(self, offset: int) -> bytes:
        """Return the data of the record at `offset`.

        Raises:
            DamagedError: no record begins there, or the file ends before its data do.
        """
        head = self._bytes[offset : offset + RECORD.size].tobytes()
        if len(head) < RECORD.size:
            raise DamagedError(
                f"{self._path} ends before byte {offset}, where a weight is wanted; export the model again"
            )
        sentinel, _, size, start = RECORD.unpack(head)
        if sentinel != SENTINEL or start + size > len(self._bytes):
            raise DamagedError(f"{self._path} has no whole weight at byte {offset}; export the model again")
        return self._bytes[start : start + size].tobytes()
