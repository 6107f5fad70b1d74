"""One writer at a time: a lock on an open file, which the kernel lets go when the process ends or is killed."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from potstill.errors import ArtifactError

# Some network file systems have no locks. There one writer alone works as ever, and two are not told apart.
LOCKLESS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def exclusive(marker: Path, folder: Path) -> Iterator[None]:
    """Hold the lock on a marker file, which is made when it is not there, until the block ends.

    The marker is not deleted here: who finishes the folder does so, while the lock is held.

    Args:
        marker: the file to lock.
        folder: what is being written, for the message.

    Raises:
        ArtifactError: another process holds the lock, or the marker cannot be written.
    """
    try:
        handle = os.open(marker, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as refused:
        raise ArtifactError(f"{folder} cannot be written ({refused.strerror}); pass a folder that can") from refused
    try:
        _lock(handle, marker, folder)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, marker: Path, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _busy(folder) from None
    except OSError as refused:
        if refused.errno not in LOCKLESS:
            raise
    # Another process may have finished and deleted the marker between our opening and our locking of it.
    if not (marker.exists() and os.path.samestat(os.fstat(handle), marker.stat())):
        raise _busy(folder)


def _busy(folder: Path) -> ArtifactError:
    return ArtifactError(f"another process is writing {folder}; wait for it to end, or pass another folder")
