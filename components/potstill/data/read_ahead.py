"""Reading a table no further ahead than its rows are wanted, by pyarrow's streaming readers.

Such a reader fetches in a thread of its own, 32 blocks ahead: of 4 MiB each that is 128 MiB held, and as much asked of
a store only to learn the names of columns. pyarrow has no option for it, but its thread waits for a file that takes its
time. As that thread comes into Python for each block, none may be left when the interpreter ends: it would abort.
"""

import atexit
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from threading import Condition
from weakref import WeakSet

import pyarrow as pa

AHEAD = 3  # blocks: one that is parsed, the next, which ends its last row, and one that is fetched meanwhile
PATIENCE = 0.05  # seconds; then a reader which waits for rows gets a further block, as for a block without any
COPIED_BYTES = 1 << 10  # a larger read goes into pyarrow's own memory: no block is Python's
IDLE = 1.0  # seconds; a thread that does not come in them has ended by itself
PARTING = 0.02  # seconds in which a thread that was told of the end has left Python, at the end of the process

# A thread lets its file go some time after the last block, and would need Python for it if it were the last to do so.
_KEPT: deque[pa.NativeFile] = deque(maxlen=64)
_RUNNING: WeakSet[Generator[pa.RecordBatch, None, None]] = WeakSet()


class ReadAhead:
    """A stream for a reader's thread, which is let on as the reader's batches are taken.

    As pyarrow wants a file, it has `read`, `closed` and `close`.
    """

    def __init__(self, stream: pa.NativeFile) -> None:
        self._stream, self._change = stream, Condition()
        self._read = self._taken = 0
        self._waiting, self.closed = True, False  # from the start, since a reader first looks at a block by itself
        self._inside, self._ended = False, False

    def file(self) -> pa.NativeFile:
        """The stream as a file for pyarrow."""
        kept = pa.PythonFile(self, "r")
        _KEPT.append(kept)
        return pa.BufferedInputStream(kept, COPIED_BYTES)

    def read(self, count: int) -> bytes:
        """Read, when it is time to; nothing once nobody wants more."""
        block = b""
        with self._changing():
            self._inside = True
        try:
            if self._wanted():
                block = bytes(self._stream.read(count))
        finally:
            with self._changing():
                self._inside, self._ended = False, not block
        return block

    def schema(self, opened: Callable[[], pa.RecordBatchReader]) -> pa.Schema:
        """Learn the columns from a reader of this stream, and want no more of it."""
        reader = opened()
        self._part()
        return reader.schema

    def batches(self, opened: Callable[[], pa.RecordBatchReader]) -> Iterator[pa.RecordBatch]:
        """Take the batches of a reader of this stream."""
        taken = self._take(opened())
        _RUNNING.add(taken)
        yield from taken

    def close(self) -> None:
        """Let the reader's thread end, and wait until it does nothing here."""
        with self._changing():
            self.closed = True
        with self._change:
            self._change.wait_for(lambda: not self._inside)

    def _part(self) -> None:
        """Close for a reader that is still there: its thread reads once more, and is told of the end."""
        self.close()
        with self._change:
            self._change.wait_for(lambda: self._ended, IDLE)

    def _take(self, reader: pa.RecordBatchReader) -> Generator[pa.RecordBatch, None, None]:
        try:
            while (batch := self._next(reader)) is not None:
                yield batch
        finally:
            self._part()

    def _next(self, reader: pa.RecordBatchReader) -> pa.RecordBatch | None:
        with self._changing():
            self._waiting = True
        try:
            return reader.read_next_batch()
        except StopIteration:
            return None
        finally:
            with self._changing():
                self._waiting = False
                self._taken += 1

    def _wanted(self) -> bool:
        with self._change:
            while not self._change.wait_for(lambda: self.closed or self._read - self._taken < AHEAD, PATIENCE):
                if self._waiting:
                    break
            self._read += 1
            return not self.closed

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._change:
            yield
            self._change.notify_all()


@atexit.register
def _end() -> None:
    """End the readers that an error, whose traceback is still held, has left in the middle."""
    for taken in list(_RUNNING):
        taken.close()
    if _KEPT:
        time.sleep(PARTING)
