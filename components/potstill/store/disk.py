"""A place in a file system: a temporary file, made durable, then one rename."""

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from potstill.errors import InputError, MissingError
from potstill.os_failures import explain
from potstill.store.place import Place, parts_of
from potstill.store.unfinished import unfinished

UNFINISHED = ".unfinished"  # in the place's own folder, so that a rename never crosses file systems; else it is empty
LINKLESS = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP)  # what file systems say that have no hard links
SYNCLESS = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)  # what network file systems say that sync files alone


class DiskPlace(Place):
    """A folder; it is made by the first write."""

    def __init__(self, uri: str, folder: Path) -> None:
        self.uri, self.folder = uri, folder

    def keys(self, below: str = "") -> list[str]:
        """List the plain files; symbolic links are not followed and not listed."""
        top = self._path(below) if below else self.folder
        with _told(str(top)):
            return sorted(path.relative_to(self.folder).as_posix() for path in self._files(top))

    def write_from(self, key: str, stream: BinaryIO) -> None:
        """Write, and come back when the disk has it."""
        self._write(key, stream, os.replace)

    def write_new(self, key: str, data: bytes) -> None:
        """Write, and give the file its name by a hard link, which no file system lets take another's place."""
        self._write(key, BytesIO(data), _link_first)

    def open(self, key: str) -> BinaryIO:
        """Open a plain file."""
        path = self._path(key)
        with _told(str(path)):
            if not path.is_file():
                raise MissingError(f"{self.uri} holds no {key}")
            return path.open("rb")

    def _write(self, key: str, stream: BinaryIO, put: Callable[[str, Path], None]) -> None:
        target = self._path(key)
        with _told(str(target)):
            _refuse_file(self.folder)
            (self.folder / UNFINISHED).mkdir(parents=True, exist_ok=True)
            with unfinished(self.folder / UNFINISHED) as file:
                shutil.copyfileobj(stream, file, 2**20)
                file.flush()
                os.fsync(file.fileno())
                target.parent.mkdir(parents=True, exist_ok=True)
                put(file.name, target)
            self._keep_names(target.parent)

    def read(self, key: str) -> bytes:
        """Read a plain file."""
        path = self._path(key)
        with _told(str(path)):
            if not path.is_file():
                raise MissingError(f"{self.uri} holds no {key}")
            return path.read_bytes()

    def delete(self, keys: Iterable[str]) -> None:
        """Delete one by one, each made durable, and folders that become empty."""
        for path in map(self._path, keys):
            with _told(str(path)):
                # A part of the key may be a file, or the folder may not be there: neither holds the object.
                with suppress(FileNotFoundError, NotADirectoryError):
                    path.unlink()
                    self._keep_names(path.parent)
                self._drop_empty(path.parent)

    def _path(self, key: str) -> Path:
        """Where an object lies; a way through a symbolic link would lead out of the place."""
        path = self.folder
        for part in parts_of(key):
            path /= part
            # os.path, which says no also where a name is too long to ask; then whoever uses the path is told
            if os.path.islink(path) or path == self.folder / UNFINISHED:  # noqa: PTH114
                raise InputError(f"{path} is a link or kept for unfinished files, and no key leads there")
        return path

    def _files(self, top: Path) -> Iterator[Path]:
        for folder, folders, names in os.walk(top, onerror=_raise_unless_missing):
            if Path(folder) == self.folder:
                folders[:] = [each for each in folders if each != UNFINISHED]
            found = (Path(folder) / name for name in names)
            yield from (path for path in found if path.is_file() and not path.is_symlink())

    def _keep_names(self, folder: Path) -> None:
        """Make the names in a folder durable, and the folder's own up to the place."""
        for each in (folder, *folder.parents):
            handle = os.open(each, os.O_RDONLY)
            try:
                os.fsync(handle)
            except OSError as refused:
                if refused.errno not in SYNCLESS:
                    raise
            finally:
                os.close(handle)
            if each == self.folder:
                return

    def _drop_empty(self, folder: Path) -> None:
        with suppress(OSError):  # not empty, or not there
            while folder != self.folder:
                folder.rmdir()
                folder = folder.parent


def _refuse_file(folder: Path) -> None:
    """Refuse a file where a folder is to be, at any depth."""
    file = next((each for each in (folder, *folder.parents) if each.exists() and not each.is_dir()), None)
    if file:
        raise InputError(f"{file} is a file; pass a folder")


def _link_first(made: str, target: Path) -> None:
    """Give a file its name unless another has it."""
    try:
        os.link(made, target)
    except FileExistsError:
        return
    except OSError as refused:
        if refused.errno not in LINKLESS:
            raise
        raise InputError(
            f"{target}: the file system has no hard links, so of two writers none is first; pass a place on another"
        ) from refused


def _raise_unless_missing(refused: OSError) -> None:
    """Walk on over what another process has deleted, or was never made; other errors are errors."""
    if not isinstance(refused, FileNotFoundError | NotADirectoryError):
        raise refused


@contextmanager
def _told(where: str) -> Iterator[None]:
    try:
        yield
    except OSError as refused:
        raise InputError(explain(refused, where)) from refused
