"""SIGTERM, which a scheduler sends before it takes the machine away, and Ctrl-C: heard between two steps."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = {signal.SIGTERM: "SIGTERM", signal.SIGINT: "Ctrl-C"}
SHELL = 128  # what a shell adds to a signal's number for the exit code of a process that it ended


class StoppedError(BaseException):
    """Raised in work that changes nothing, where nobody must wait for its end."""


class Termination:
    """Whether the process was asked to end, and by what."""

    def __init__(self) -> None:
        self._number = 0
        self._interrupting = False

    @property
    def came(self) -> bool:
        """Whether it was asked."""
        return self._number != 0

    @property
    def name(self) -> str:
        """By what; another process of the group was asked, when this one was not."""
        return SIGNALS[signal.Signals(self._number or signal.SIGTERM)]

    @property
    def code(self) -> int:
        """Exit code of a process that ends so."""
        return SHELL + (self._number or signal.SIGTERM)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note the signals while the block runs, instead of ending in the middle of a step.

        Signals reach the main thread alone; in another one the process ends at once, as it would without this. A signal
        that is ignored stays so, as Ctrl-C is in a command that a shell began in the background.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._note) for number in heard}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Raise StoppedError at once while the block runs."""
        self._interrupting = True
        try:
            if self.came:
                raise StoppedError
            yield
        finally:
            self._interrupting = False

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.came and number == signal.SIGINT:  # asked twice, a person does not want to wait
            raise KeyboardInterrupt
        self._number = number
        if self._interrupting:
            raise StoppedError
