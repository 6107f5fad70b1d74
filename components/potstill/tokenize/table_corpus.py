"""The corpus that a raw table gives, once its rows are divided."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from potstill.data.table_columns import LABEL, TEXT
from potstill.data.tokens import UNLABELLED
from potstill.tokenize.arrangement import ROW_ID
from potstill.tokenize.corpus import Corpus
from potstill.tokenize.label_sets import label_numbers
from potstill.tokenize.rows import read_rows
from potstill.tokenize.splitting import Division


def corpus_of_table(division: Division, folder: Path, labels: list[str], separator: str) -> Corpus:
    """Describe divided rows, their labels by number; labels of the unlabelled split are thrown away.

    Args:
        division: what became of the table.
        folder: where its rows lie (`rows.write_rows`).
        labels: label names by number.
        separator: stands between several labels of one row; empty: one label per row.
    """

    def read(split: str, what: str) -> Iterator[pa.Table]:
        for group in read_rows(folder, split, what):
            names = pa.array([name.hex() for name in group[ROW_ID].to_pylist()], pa.string())
            numbers = _numbers(group[LABEL], labels, separator)
            if split == UNLABELLED:
                numbers = pa.nulls(len(group), numbers.type)
            yield pa.table([names, group[TEXT], numbers], [ROW_ID, TEXT, LABEL])

    return Corpus(division.counts, division.rows, labels, bool(separator), read)


def _numbers(cells: pa.ChunkedArray, labels: list[str], separator: str) -> pa.Array:
    """Label numbers of each row: one, or a list where there is a separator."""
    if separator:
        return label_numbers(cells, separator, labels)
    return pc.index_in(cells, pa.array(labels, pa.string())).combine_chunks().cast(pa.int32())
