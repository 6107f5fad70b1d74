"""Texts of each split before they are tokenised, wherever they come from."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from potstill.data.table_columns import TEXT
from potstill.data.tokens import SCHEMA, SPLITS, multi_label_schema
from potstill.tokenize.arrangement import Counts


@dataclass(frozen=True)
class Corpus:
    """Divided texts, read from disk in groups.

    Attributes:
        counts: what became of the rows that were read.
        rows: rows of each split.
        labels: label names by number.
        multi_label: whether a row has any number of labels.
        read: split, and what for → tables of at most `rows.GROUP_ROWS` rows: row_id, text, and the numbers of the
            labels, as the schema has them.
    """

    counts: Counts
    rows: dict[str, int]
    labels: list[str]
    multi_label: bool
    read: Callable[[str, str], Iterator[pa.Table]]

    @property
    def splits(self) -> list[str]:
        """Splits that have rows, in the order in which they are written."""
        return [split for split in SPLITS if self.rows.get(split)]

    @property
    def schema(self) -> pa.Schema:
        """Columns of a split in tokens/v1."""
        return multi_label_schema(len(self.labels)) if self.multi_label else SCHEMA

    def texts(self, splits: Sequence[str], what: str) -> Iterator[list[str]]:
        """Read the texts of splits in groups."""
        for split in splits:
            for group in self.read(split, what):
                yield group[TEXT].to_pylist()
