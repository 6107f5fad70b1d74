"""Small objects, read whole: never more than their reader can bear, whatever a store says or sends."""

import os

from potstill.errors import InputError
from potstill.store.place import Place


def read_small(place: Place, key: str, largest: int) -> bytes:
    """Read an object of at most so many bytes.

    Raises:
        MissingError: it is not there.
        InputError: it is larger, or the store refuses.
    """
    with place.open(key) as stream:
        length = stream.seek(0, os.SEEK_END)
        if length > largest:
            raise InputError(f"{place.uri}/{key} has {length} bytes; at most {largest} are read, as none has more")
        stream.seek(0)
        return stream.read(length)
