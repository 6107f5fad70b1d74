"""What a command prints: any terminal can show it, nobody needs to read on, and what cannot be written is refused."""

import errno
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from potstill.one_line import one_line

REFUSED = 2  # the exit code
UNREAD = 141  # that of a program whose reader went away: 128 + SIGPIPE
STDOUT = "standard output"
WORDS = {"✓": "ok   ", "✗": "WRONG"}  # for marks, once in a line
PLAIN = str.maketrans({"├": "|", "└": "`", "│": "|", "→": "->", "…": "..."})  # for what trees and help are drawn with


def print_lines(lines: Iterable[str], code: int = 0) -> int:
    """Print lines as they come.

    Args:
        lines: made while they are printed.
        code: the exit code of a command that told all.

    Returns: the code; UNREAD where nobody reads on, as behind `head`.

    Raises:
        OSError: standard output cannot be written: it is closed, or its disk is full.
    """
    try:
        for line in lines:
            with _named():
                sys.stdout.write(f"{_printable(line)}\n")
        with _named():
            sys.stdout.flush()
    except BrokenPipeError:
        return UNREAD
    return code


def refuse(why: str) -> int:
    """Say on stderr in one line why nothing is done; return the exit code, also where stderr cannot be written."""
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(f"potstill: error: {one_line(why)}\n")
    return REFUSED


@contextmanager
def _named() -> Iterator[None]:
    """Name standard output in what it refuses, and let nothing more be written there: Python flushes it at the end."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, "it is closed", STDOUT)
    try:
        yield
    except OSError as failed:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        failed.filename = STDOUT
        raise


def _printable(line: str) -> str:
    """Write what the terminal's encoding lacks as Python writes it; a mark that it lacks becomes a word."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        line.encode(encoding)
    except UnicodeEncodeError:
        for mark, word in WORDS.items():
            line = line.replace(mark, word, 1)
        line = line.translate(PLAIN)
    return line.encode(encoding, "backslashreplace").decode(encoding)
