"""SIGTERM, which a scheduler sends some seconds before it takes the machine away: heard between two steps."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

TERMINATED = 128 + signal.SIGTERM  # the exit code that a shell gives a process which SIGTERM ended


class Termination:
    """Whether the process was asked to end."""

    def __init__(self) -> None:
        self.came = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note SIGTERM while the block runs, instead of ending in the middle of a step.

        Signals reach the main thread alone; in another one the process ends at once, as it would without this.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTERM, self._note)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.came = True
