"""Cutting a token table into padded batches with little waste: rows of like length stand together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from potstill.data.tokens import TokenTable, batches_of

PAD = 0  # any id would do: padding is masked, and its label of segment is 0
POOL_BATCHES = 32  # rows are sorted by length within so many shuffled batches: little padding, still random

Rows = npt.NDArray[np.int64]  # (rows,) where they stand in the table


@dataclass(frozen=True)
class Batch:
    """Rows padded to the longest of them.

    Attributes:
        rows: (rows,) int64, where they stand in the table.
        input_ids: (rows, tokens) int64.
        attention_mask: (rows, tokens) int64, 1 for a token and 0 for padding.
        labels: (rows,) int64; NO_LABEL where there is none.
        segments: (rows, tokens) int64, 1 for a token of the second of two texts; None where each row is one text.
    """

    rows: Rows
    input_ids: npt.NDArray[np.int64]
    attention_mask: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    segments: npt.NDArray[np.int64] | None = None

    def take(self, rows: slice) -> "Batch":
        """Return some of the rows, as wide as they stand here."""
        segments = None if self.segments is None else self.segments[rows]
        return Batch(self.rows[rows], self.input_ids[rows], self.attention_mask[rows], self.labels[rows], segments)


def pad(table: TokenTable, rows: Rows, length: int = 0) -> Batch:
    """Pad some rows of a table.

    Args:
        table: the rows.
        rows: (rows,) which of them.
        length: width of the result; 0: the longest row's.
    """
    lengths = table.lengths[rows]
    width = length or int(lengths.max())
    mask = np.arange(width)[None, :] < lengths[:, None]
    ids = np.full(mask.shape, PAD, dtype=np.int64)
    ids[mask] = np.concatenate([table.row(int(row)) for row in rows])
    return Batch(rows, ids, mask.astype(np.int64), table.labels[rows])


def by_length(table: TokenTable, size: int) -> Iterator[Rows]:
    """Yield batches of row indices, longest rows first: for evaluation, where order does not matter."""
    order = np.argsort(-table.lengths, kind="stable")
    for part in batches_of(len(order), size):
        yield order[part]


def of_equal_length(table: TokenTable, size: int) -> Iterator[Rows]:
    """Yield batches of row indices that need no padding, longest rows first: for what padding must not be seen in.

    Each batch is of rows of one length, so some have far fewer than `size` rows.
    """
    order = np.argsort(-table.lengths, kind="stable")
    for alike in np.split(order, np.flatnonzero(np.diff(table.lengths[order])) + 1):
        for part in batches_of(len(alike), size):
            yield alike[part]


def groups_of(batches: Sequence[Rows], size: int) -> list[Sequence[Rows]]:
    """Cut an epoch's batches into groups of `size`, one for each optimiser step; the last may be shorter."""
    return [batches[part] for part in batches_of(len(batches), size)]


def shuffled(table: TokenTable, size: int, seed: int, epoch: int) -> list[Rows]:
    """Return an epoch's batches of row indices: random, each of rows of like length.

    The order is a function of (table, size, seed, epoch) alone, so an interrupted epoch can be continued.
    """
    random = np.random.Generator(np.random.PCG64([seed, epoch]))
    order = random.permutation(len(table)).astype(np.int64)
    batches = []
    for pool in batches_of(len(order), size * POOL_BATCHES):
        rows = order[pool]
        rows = rows[np.argsort(table.lengths[rows], kind="stable")]
        batches += [rows[part] for part in batches_of(len(rows), size)]
    return [batches[index] for index in random.permutation(len(batches))]
