"""A training that stands still (a file server that answers no more, a lost process) ends, and says where."""

import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import potstill

REFUSED = 2
LOOKS = 20  # at the training in the time that it may stand still
PACKAGE = str(Path(potstill.__file__).parent)


@contextmanager
def watching(seconds: float, what: str, kept: Callable[[], str]) -> Iterator[Callable[[], None]]:
    """End the process with one line when nothing was reported for so long.

    A system call that never comes back can neither be interrupted nor left by an exception, so the process ends at
    once; its output folder stays unsealed, and the last checkpoint is whole.

    Looks are counted, not time: a process that was itself suspended is not taken for stuck.

    Args:
        seconds: how long; 0: for ever.
        what: what is being done, for the message.
        kept: gives where the last checkpoint is, or nothing.

    Yields: what to call whenever something was done.
    """
    if not seconds:
        yield lambda: None
        return
    alive, ended, watched = threading.Event(), threading.Event(), threading.get_ident()

    def watch() -> None:
        idle = 0
        while not ended.wait(seconds / LOOKS):
            idle = 0 if alive.is_set() else idle + 1
            alive.clear()
            if idle > LOOKS:
                stands = f"; the last checkpoint is {kept()}" if kept() else ""
                _end(f"{what}: no step was done for {seconds:g} s, stuck {_place(watched)}{stands}")

    thread = threading.Thread(target=watch, name="watchdog", daemon=True)
    thread.start()
    try:
        yield alive.set
    finally:
        ended.set()
        thread.join()


def _place(thread: int) -> str:
    """Say where in potstill a thread is."""
    stack = traceback.extract_stack(sys._current_frames()[thread])  # noqa: SLF001 - as faulthandler does, in one line
    inside = [each for each in stack if each.filename.startswith(PACKAGE) and not each.name.startswith("<")]
    found = (inside or list(stack))[-1]
    return f"at {Path(found.filename).name}:{found.lineno}, {found.name}"


def _end(why: str) -> None:
    way_out = "see whether the storage and the other processes answer, then run the same command again"
    os.write(2, f"potstill: error: {why}; {way_out}\n".encode())
    os._exit(REFUSED)
