"""Readers' threads read no further than is wanted, and never abort the process."""

import io
import subprocess
import sys
import time

import pyarrow as pa
import pytest
from pyarrow import csv

from potstill.data.read_ahead import AHEAD, ReadAhead

BLOCK = 1 << 14
DATA = b"text,label\n" + b"headline,sport\n" * 100_000
ENDINGS = {
    "an error whose traceback is held": "raise SystemExit(2)",
    "a batch that nobody took further": "rows = rows; sys.exit(2)",
    "all rows read": "list(rows); sys.exit(2)",
}
ENDING = """
import io, sys, time
from functools import partial
from pyarrow import csv
import pyarrow as pa
from potstill.data.read_ahead import ReadAhead

class Slow(io.BytesIO):
    def read(self, count=-1):
        time.sleep(0.002)
        return super().read(count)

def opened(ahead):
    return csv.open_csv(ahead.file(), read_options=csv.ReadOptions(block_size=1 << 14, use_threads=False))

ahead = ReadAhead(pa.PythonFile(Slow(b"text,label\\n" + b"headline,sport\\n" * 100_000), "r"))
rows = ahead.batches(partial(opened, ahead))
try:
    next(rows)
    raise ValueError
except ValueError:
    {ending}
"""


class Counting(io.BytesIO):
    """Counts its reads."""

    reads = 0

    def read(self, count=-1, /):
        self.reads += 1
        return super().read(count)


@pytest.fixture
def counting():
    return Counting(DATA)


@pytest.fixture
def ahead(counting):
    ahead = ReadAhead(pa.PythonFile(counting, "r"))
    yield ahead
    ahead.close()


def opened(ahead):
    return csv.open_csv(ahead.file(), read_options=csv.ReadOptions(block_size=BLOCK, use_threads=False))


def test_no_more_is_read_than_is_wanted(counting, ahead):
    rows = ahead.batches(lambda: opened(ahead))
    for taken in range(1, 5):
        next(rows)
        time.sleep(0.2)  # time enough to read all
        assert counting.reads <= taken + AHEAD
    assert counting.reads < len(DATA) // BLOCK / 4


def test_all_is_read_when_all_is_wanted(counting, ahead):
    rows = 0
    for batch in ahead.batches(lambda: opened(ahead)):
        rows += len(batch)
    assert rows == 100_000
    assert counting.reads >= len(DATA) // BLOCK


def test_columns_cost_a_few_blocks(counting, ahead):
    assert ahead.schema(lambda: opened(ahead)).names == ["text", "label"]
    assert counting.reads <= AHEAD


def test_blocks_without_a_row_do_not_end_the_waiting(ahead):
    """Empty lines give no batch, so what is read must not depend on what is taken."""
    empty = ReadAhead(pa.PythonFile(io.BytesIO(b"text\n" + b"\n" * (20 * BLOCK) + b"headline\n"), "r"))
    assert sum(map(len, empty.batches(lambda: opened(empty)))) == 1


def test_what_a_stream_raises_is_raised():
    class Broken(io.BytesIO):
        def read(self, *_):
            raise LookupError("one line")

    ahead = ReadAhead(pa.PythonFile(Broken(), "r"))
    with pytest.raises(LookupError, match="one line"):
        list(ahead.batches(lambda: opened(ahead)))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_process_ends_as_it_wants_to(ending):
    """Five at once, since it is a matter of chance."""
    command = [sys.executable, "-c", ENDING.replace("{ending}", ENDINGS[ending])]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(5)]
    said = [each.communicate(timeout=60)[1] for each in running]
    assert [(each.returncode, line) for each, line in zip(running, said, strict=True)] == [(2, "")] * 5
