"""The rows of each split on disk, before they are tokenised: sorted, without duplicates, read back in equal groups."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from potstill.data.table_columns import LABEL
from potstill.data.tokens import SPLITS, TRAIN
from potstill.errors import InputError
from potstill.progress import progress
from potstill.tokenize.arrangement import SCHEMA
from potstill.tokenize.label_sets import names_of
from potstill.tokenize.split import Splitter

GROUP_ROWS = 8_192  # rows of a Parquet row group, and rows that are in memory at a time
MOST_LABELS = 10_000


def write_rows(
    tables: Iterable[pa.Table], splitter: Splitter, folder: Path, separator: str = ""
) -> tuple[list[str], set[str]]:
    """Divide sorted tables and write each split's rows to a file of its own.

    Args:
        tables: of `arrangement.SCHEMA`, sorted.
        splitter: says which split a row belongs to.
        folder: where the files go.
        separator: stands between several labels of one row; empty: one label per row.

    Returns: the label names of all kept texts, sorted (a name's place is its number), and those of the training rows.

    Raises:
        InputError: so many labels that the column cannot be one of labels.
    """
    labels: set[str] = set()
    trained: set[str] = set()
    with ExitStack() as stack:
        writers = {split: stack.enter_context(pa.ipc.new_file(_path(folder, split), SCHEMA)) for split in SPLITS}
        for table in tables:
            labels |= _labels_of(table, separator)
            if len(labels) > MOST_LABELS:
                raise InputError(f"the label column has over {MOST_LABELS} values; pass the right --label-column")
            parts = splitter.divide(table)
            trained |= _labels_of(parts[TRAIN], separator)
            for split, part in parts.items():
                writers[split].write(part)
    return sorted(labels), trained


def _labels_of(table: pa.Table, separator: str) -> set[str]:
    return {name for cell in pc.unique(table[LABEL].drop_null()).to_pylist() for name in names_of(cell, separator)}


def read_rows(folder: Path, split: str, what: str) -> Iterator[pa.Table]:
    """Read a split's rows back, GROUP_ROWS at a time (the last group may be smaller), telling the progress."""
    with pa.OSFile(str(_path(folder, split))) as file:
        reader = pa.ipc.open_file(file)
        batches = (reader.get_batch(number) for number in range(reader.num_record_batches))
        total = -(-reader.count_rows() // GROUP_ROWS)
        yield from progress(regroup(batches, SCHEMA), f"{what} {split}", total, f"batch of {GROUP_ROWS} rows")


def regroup(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Join and cut batches of any size to groups of GROUP_ROWS; the last may be smaller."""
    held = schema.empty_table()
    for batch in batches:
        held = pa.concat_tables([held, pa.Table.from_batches([batch])])
        while len(held) >= GROUP_ROWS:
            yield held.slice(0, GROUP_ROWS)
            held = held.slice(GROUP_ROWS)
    if len(held):
        yield held


def _path(folder: Path, split: str) -> Path:
    return folder / f"{split}.arrow"
