"""Progress of long work: a bar on a terminal, a plain line every few seconds in a log."""

import sys
from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

from tqdm import tqdm

from potstill.one_line import one_line
from potstill.ranks import speaks

T = TypeVar("T")
LOG_SECONDS = 5.0


class _Lines:
    """A stream for tqdm in a log: one line per refresh instead of a carriage return."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        line = text.strip("\r\n ")
        if line:
            self._stream.write(line + "\n")

    def flush(self) -> None:
        self._stream.flush()


def progress(work: Iterable[T], what: str, total: int | None = None, unit: str = "row") -> Iterator[T]:
    """Yield from `work`, telling on stderr how far it is, the rate and the time left.

    Args:
        work: anything to iterate.
        what: what is being done, in a few words.
        total: number of items, when `work` has no length.
        unit: what one item is called.
    """
    terminal = sys.stderr.isatty()
    yield from tqdm(
        work,
        desc=what,
        total=total,
        unit=f" {unit}",
        file=sys.stderr if terminal else _Lines(sys.stderr),
        mininterval=0.1 if terminal else LOG_SECONDS,
        maxinterval=LOG_SECONDS,
        dynamic_ncols=terminal,
        ncols=None if terminal else 0,
        leave=terminal,
        delay=0.0 if terminal else LOG_SECONDS,
        disable=not speaks(),
    )


def tell(what: str) -> None:
    """Say one line on stderr: what was decided, when no bar would show it."""
    if speaks():
        tqdm.write(f"▸ {one_line(what)}", file=sys.stderr)
