"""Sorting a table of any size by position, without duplicates, in bounded memory.

First every row goes to one of a fixed number of files on disk, by the leading bits of its position. Then one file after
the other is sorted in memory. All copies of a text lie in the same file, and the files follow each other in order, so
the result is what sorting the whole table would give, whatever the number of files.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from potstill.data.table_columns import LABEL, TEXT
from potstill.tokenize.identity import normal_form, positions, row_id

PARTITIONS = 64  # 10 million headlines make files of some 15 MB each
POSITION, ROW_ID = "position", "row_id"
SCHEMA = pa.schema(
    [
        pa.field(POSITION, pa.uint64()),
        pa.field(ROW_ID, pa.binary(16)),
        pa.field(TEXT, pa.string()),
        pa.field(LABEL, pa.string()),  # null: nobody labelled the row
    ]
)


@dataclass
class Counts:
    """What became of the rows that were read: rows = empty + duplicates + conflicts + unique.

    Attributes:
        rows: rows read.
        empty: rows without any character that is not white space.
        duplicates: further copies of a text whose copies agree on the label, or have none.
        conflicts: all copies of texts with more than one label; none of them is kept.
        unique: texts that are kept.
    """

    rows: int = 0
    empty: int = 0
    duplicates: int = 0
    conflicts: int = 0
    unique: int = 0


def scatter(
    batches: Iterable[pa.RecordBatch], folder: Path, seed: int, counts: Counts, partitions: int = PARTITIONS
) -> None:
    """Write every row that has a text to its partition file.

    Args:
        batches: text and label as strings (`data.table_columns.RAW_SCHEMA`).
        folder: where the files go.
        seed: what the positions are drawn with.
        counts: `rows` and `empty` are counted here.
        partitions: number of files.
    """
    with ExitStack() as stack:
        writers = [stack.enter_context(pa.ipc.new_file(_path(folder, number), SCHEMA)) for number in range(partitions)]
        for batch in batches:
            placed = _place(batch, seed)
            counts.rows += len(batch)
            counts.empty += len(batch) - len(placed)
            leading = placed.column(POSITION).to_numpy() >> np.uint64(32)
            numbers = (leading * np.uint64(partitions)) >> np.uint64(32)
            for number in np.unique(numbers):
                writers[number].write(placed.filter(pa.array(numbers == number)))


def _place(batch: pa.RecordBatch, seed: int) -> pa.RecordBatch:
    """Give each row its position and id; rows without text are left out, blank labels become null."""
    normals = [normal_form(text) if text else "" for text in batch.column(TEXT).to_pylist()]
    labels = pc.utf8_trim_whitespace(batch.column(LABEL))
    labels = pc.if_else(pc.equal(pc.binary_length(labels), 0), pa.scalar(None, pa.string()), labels)
    columns = [
        pa.array(positions(normals, seed)),
        pa.array([row_id(normal) for normal in normals], pa.binary(16)),
        batch.column(TEXT),
        labels,
    ]
    return pa.record_batch(columns, schema=SCHEMA).filter(pa.array([bool(normal) for normal in normals], pa.bool_()))


def gather(folder: Path, counts: Counts, partitions: int = PARTITIONS) -> Iterator[pa.Table]:
    """Read the partitions back in order, each sorted and without duplicates and conflicts.

    Of several spellings of one text the first in byte order is kept; a label beats no label.

    Yields: tables of SCHEMA; their concatenation is sorted by position, then row id.
    """
    for number in range(partitions):
        with pa.OSFile(str(_path(folder, number))) as file:
            rows = pa.ipc.open_file(file).read_all()
            texts = rows.group_by([POSITION, ROW_ID], use_threads=False).aggregate(
                [(TEXT, "min"), (LABEL, "min"), (LABEL, "max"), ([], "count_all")]
            )
        agree = pc.fill_null(pc.equal(texts[f"{LABEL}_min"], texts[f"{LABEL}_max"]), True)  # null: no copy has a label
        kept = texts.filter(agree)
        counts.unique += len(kept)
        counts.duplicates += (pc.sum(kept["count_all"]).as_py() or 0) - len(kept)
        counts.conflicts += pc.sum(texts.filter(pc.invert(agree))["count_all"]).as_py() or 0
        kept = kept.select([POSITION, ROW_ID, f"{TEXT}_min", f"{LABEL}_min"]).rename_columns(SCHEMA.names)
        yield kept.sort_by([(POSITION, "ascending"), (ROW_ID, "ascending")])


def _path(folder: Path, number: int) -> Path:
    return folder / f"partition-{number:04d}.arrow"
