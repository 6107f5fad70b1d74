"""Ctrl-C: one line and exit code 130, from the first import of a command to its end.

Loading the libraries takes seconds in which nothing has been begun, and in which an exception may be lost in a library
that is half loaded; so there the process ends at once. Work that has begun is left by KeyboardInterrupt, so that
unfinished folders are cleaned up.
"""

import os
import signal
from types import FrameType
from typing import NoReturn

STOPPED = 130
LINE = "potstill: stopped; nothing had been begun\n"


def stop_at_once() -> None:
    """Let Ctrl-C end the process at once; for the time in which a command loads what it needs.

    Where something else handles Ctrl-C already (a shell that starts a command in the background has it ignored),
    nothing changes.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def stop_by_exception() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again; from here on there is something to clean up."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def stop_no_more() -> None:
    """Let a second Ctrl-C do nothing: the first has been told, and the process is ending."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    os.write(2, LINE.encode())
    os._exit(STOPPED)
