"""Files that are written beside their place until they are whole; what killed writers left is swept away."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from potstill.exclusive import LOCKLESS


@contextmanager
def unfinished(folder: Path) -> Iterator[BinaryIO]:
    """Open a new file in a folder for what is unfinished; the block moves it to where it belongs.

    The writer holds the lock on its file, which the kernel lets go when the writer is killed: so a sweeper tells a
    dead writer's file from a living one's. Nothing is left here, whether or not the block ends well.

    Args:
        folder: it must exist, and holds nothing else.

    Raises:
        OSError: the disk refuses.
    """
    sweep(folder)
    file = _new(folder)
    try:
        with file:
            yield file
    finally:
        Path(file.name).unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Delete the files of killed writers; what may not be deleted stays."""
    for path in folder.glob("*"):
        with suppress(OSError), path.open("rb+") as file:
            if _lock(file):
                path.unlink()


def _new(folder: Path) -> BinaryIO:
    """Make a file and lock it. In the instant between, a sweeper may take it for a dead writer's; then once more."""
    while True:
        file = (folder / uuid4().hex).open("xb")
        if _lock(file) and Path(file.name).exists():
            return file
        file.close()


def _lock(file: BinaryIO) -> bool:
    """Lock an open file; False where a living process holds it. Some network file systems have no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as refused:
        if refused.errno not in LOCKLESS:
            raise
    return True
