"""What lies in a folder that nobody vouches for: every file with its digest, and all that no bundle may hold.

Nothing is opened before it is known to be a plain file: a pipe would hang the reader, a link lead it elsewhere.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from potstill.artifacts import File
from potstill.evidence.names import name_offences
from potstill.os_failures import explain

MOST_FILES = 100_000  # a release has a few hundred
LARGEST = 50 * 10**9  # bytes in all that are read: a minute or two; a sparse file can claim any length


@dataclass(frozen=True)
class Listing:
    """What lies in a folder.

    Attributes:
        root: the folder.
        sizes: the length of every plain file, by its path inside.
        strange: what is no plain file, or cannot be looked at, a line each.
        names: names that not every system reads alike, a line each.
    """

    root: Path
    sizes: Mapping[str, int]
    strange: tuple[str, ...]
    names: tuple[str, ...]

    @cached_property
    def files(self) -> dict[str, File]:
        """Every file that can be read, with the SHA-256 of its bytes."""
        return {name: found for name in self.sizes if (found := self._digested.get(name)) and isinstance(found, File)}

    @property
    def unreadable(self) -> list[str]:
        """Why files could not be read, a line each."""
        return [found for found in self._digested.values() if isinstance(found, str)]

    @cached_property
    def _digested(self) -> dict[str, File | str]:
        if sum(self.sizes.values()) > LARGEST:
            return dict.fromkeys(self.sizes, f"the files have more than {LARGEST / 1e9:.0f} GB in all; none was read")
        return {name: digest(self.root, name) for name in sorted(self.sizes)}


def list_folder(root: Path) -> Listing:
    """List a folder without opening, following or trusting anything in it."""
    sizes: dict[str, int] = {}
    strange: list[str] = []
    for inside, found in _walk(root):
        if isinstance(found, str):
            strange.append(found)
        else:
            sizes[inside] = found
        if len(sizes) + len(strange) >= MOST_FILES:
            strange.append(f"there are more than {MOST_FILES} files; the rest was not looked at")
            break
    return Listing(root, sizes, tuple(strange), tuple(name_offences(sizes)))


def digest(root: Path, name: str) -> File | str:
    """Digest a file in pieces; → the file, or in a line why it could not be read."""
    try:
        with open(root / name, "rb", opener=_plain_file) as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            return File(name, stream.tell(), sha256)
    except (OSError, ValueError) as failed:
        reason = explain(failed, name) if isinstance(failed, OSError) else str(failed)
        return f"{name} cannot be read: {reason.removeprefix(f'{root / name}: ')}"


def read_plain(root: Path, name: str, largest: int) -> bytes:
    """Read a small file whole.

    Raises:
        OSError: it cannot be read, or is too large.
    """
    with open(root / name, "rb", opener=_plain_file) as stream:
        data = stream.read(largest + 1)
    if len(data) > largest:
        raise OSError(0, f"it has more than {largest} bytes", name)
    return data


def _plain_file(path: str, flags: int) -> int:
    """Open what is a plain file now, whatever it was when it was listed; never wait, never follow."""
    opened = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise OSError(0, "it is not a plain file", path)
    return opened


def _walk(root: Path) -> Iterator[tuple[str, int | str]]:
    """Yield (path inside, length), or (path inside, offence)."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(root / folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as failed:
            yield folder, f"{folder or 'the folder'} cannot be listed: {failed.strerror}"
            continue
        if not found:
            yield folder, f"{folder or 'the folder'} is an empty folder; no signature speaks of it"
        for entry in found:
            inside = f"{folder}/{entry.name}" if folder else entry.name
            kind = _kind(entry)
            if kind == "folder":
                waiting.append(inside)
            else:
                yield inside, kind if isinstance(kind, int) else f"{inside} is {kind}; a bundle holds plain files only"


def _kind(entry: os.DirEntry[str]) -> int | str:
    """Tell a plain file's length, "folder", or in words what it is instead."""
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError as failed:
        return f"not to be looked at ({failed.strerror})"
    if stat.S_ISLNK(found.st_mode):
        return "a symbolic link"
    if stat.S_ISDIR(found.st_mode):
        return "folder"
    return found.st_size if stat.S_ISREG(found.st_mode) else "a pipe, a socket or a device"
