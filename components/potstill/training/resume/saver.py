"""Saving beside the training: a copy is taken between two steps, and written by a thread of its own."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from potstill.errors import PotstillError
from potstill.progress import tell
from potstill.training.resume.commits import Commits
from potstill.training.resume.snapshot import Snapshot, to_blobs

COST = 0.02  # of the time, at most, may go into saving, whatever interval was asked for


class Saver:
    """One thread that writes checkpoints, one after the other."""

    def __init__(self, seconds: float) -> None:
        """Prepare the thread; seconds: wanted between two checkpoints."""
        self.seconds = seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoints")
        self._writing: Future[bool] | None = None
        self.written = ""  # where the last checkpoint is that the store took
        self._due = time.monotonic() + seconds

    @property
    def due(self) -> bool:
        """Whether it is time, and the last checkpoint is written."""
        return time.monotonic() >= self._due and (self._writing is None or self._writing.done())

    def save(self, take: Callable[[], Snapshot], commits: Commits, name: str) -> None:
        """Take a copy now, and write it in the background, after what is being written."""
        began = time.monotonic()
        snapshot = take()
        taken = time.monotonic()
        self._due = taken + self.seconds  # before the thread, which may be quick, puts it off
        self._writing = self._thread.submit(self._write, snapshot, commits, name, taken - began)

    def wait(self) -> bool:
        """Come back when everything is written; tell whether the store took the last checkpoint."""
        return self._writing is not None and self._writing.result()

    def close(self) -> None:
        """Write what is left, and end the thread."""
        self._thread.shutdown(wait=True)

    def _write(self, snapshot: Snapshot, commits: Commits, name: str, copying: float) -> bool:
        began = time.thread_time()
        try:
            commits.write(name, to_blobs(snapshot))
        except Exception as refused:  # noqa: BLE001 - the training is worth more than whatever a store's library raises
            why = refused if isinstance(refused, PotstillError) else repr(refused)
            tell(f"checkpoint {commits.where(name)} was not kept: {why}")
            return False
        finally:
            # On a machine without a core to spare, what the thread computes is missing from the training.
            cost = copying + time.thread_time() - began
            self._due = max(self._due, time.monotonic() + cost / COST)
        self.written = commits.where(name)
        return True
