"""A place in memory, for what needs neither disk nor server: it fails, and falls silent, when it is told to."""

from io import BytesIO

from potstill.errors import InputError, MissingError
from potstill.store.place import Place


class Memory(Place):
    """Objects in memory.

    Attributes:
        objects: by key.
        done: what was done, in order: ("write" or "delete", key).
        left: so many more writes and deletions are taken; None: all.
        silent: it cannot be read.
    """

    uri = "memory://place"

    def __init__(self):
        self.objects, self.done, self.left, self.silent = {}, [], None, False

    def keys(self, below=""):
        return sorted(key for key in self.objects if key.startswith(f"{below}/"))

    def read(self, key):
        if self.silent:
            raise InputError("the store does not answer")
        if key not in self.objects:
            raise MissingError(f"no {key}")
        return self.objects[key]

    def open(self, key):
        return BytesIO(self.read(key))

    def write_new(self, key, data):
        self._do("write", key)
        self.objects.setdefault(key, data)

    def write_from(self, key, stream):
        self._do("write", key)
        self.objects[key] = stream.read()

    def delete(self, keys):
        for key in keys:
            self._do("delete", key)
            self.objects.pop(key, None)

    def _do(self, what, key):
        if self.left == 0:
            raise InputError("the store is full")
        self.left = None if self.left is None else self.left - 1
        self.done.append((what, key))
