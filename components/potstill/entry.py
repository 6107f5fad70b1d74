"""Where a process of the command line begins, before anything large is imported."""

import os
import sys
from io import TextIOWrapper

from potstill.interrupts import stop_at_once


def main() -> int:
    """Run `potstill …`; return the exit code."""
    begin()
    from potstill.cli import main as run  # noqa: PLC0415 - Ctrl-C must be looked after first

    return run()


def stage(name: str) -> int:
    """Run `python -m potstill.<stage> …`; return the exit code."""
    begin()
    from potstill.cli import main as run  # noqa: PLC0415 - likewise

    return run([name, *sys.argv[1:]])


def begin() -> None:
    """Look after Ctrl-C, and after text that is not ASCII.

    A locale that knows ASCII alone (LC_ALL=POSIX with PYTHONUTF8=0) leaves Python unable to name a file or print a
    label in Chinese; it is started again in its UTF-8 mode, with the same arguments (PEP 540).
    Where standard output alone lacks a character (PYTHONIOENCODING), it is written as Python writes it.
    """
    stop_at_once()
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")
    if sys.getfilesystemencoding() == "ascii":
        os.environ["PYTHONUTF8"] = "1"  # for the processes that a pipeline's steps run in
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606 - this very program
