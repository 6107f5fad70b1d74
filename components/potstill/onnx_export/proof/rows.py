"""The rows that files and PyTorch are compared on: texts, or pairs of texts, as batches."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from potstill.data.batches import Batch, by_length, of_equal_length, pad
from potstill.data.tokens import TEST, TokenTable, from_rows, read_row_ids, read_split, shortened
from potstill.onnx_export.config import RERANKING


@dataclass(frozen=True)
class ProofRows:
    """Rows of token ids.

    Attributes:
        table: the ids.
        ids: (rows,) the names of the rows.
        firsts: (rows,) tokens of the first of two texts; None where each row is one text.
    """

    table: TokenTable
    ids: list[str]
    firsts: npt.NDArray[np.int64] | None = None

    def padded(self, size: int) -> Iterator[Batch]:
        """Yield batches of rows of like length: they prove that the mask hides the padding."""
        return (self._batch(rows) for rows in by_length(self.table, size))

    def unpadded(self, size: int) -> Iterator[Batch]:
        """Yield batches of rows of one length."""
        return (self._batch(rows) for rows in of_equal_length(self.table, size))

    def _batch(self, rows: npt.NDArray[np.int64]) -> Batch:
        batch = pad(self.table, rows)
        if self.firsts is None:
            return batch
        second = np.arange(batch.input_ids.shape[1])[None, :] >= self.firsts[rows][:, None]
        return replace(batch, segments=second * batch.attention_mask)


def proof_rows(tokens: Path, task: str, count: int, length: int) -> ProofRows:
    """Choose rows spread evenly over the test split.

    For reranking each is paired with the next one, both cut to half of what the model can read: `[CLS] a [SEP] b
    [SEP]`.

    Args:
        tokens: tokens/v1.
        task: one of config.TASKS.
        count: how many rows, at most.
        length: tokens that a row has at most; longer ones are cut.
    """
    table, names = read_split(tokens, TEST), read_row_ids(tokens, TEST)
    chosen = np.unique(np.linspace(0, len(table) - 1, min(len(table), count)).astype(np.int64))
    ids = [names[row] for row in chosen]
    table = shortened(table.take(chosen), length // 2 if task == RERANKING else length)
    return _pairs(table, ids) if task == RERANKING else ProofRows(table, ids)


def _pairs(table: TokenTable, ids: list[str]) -> ProofRows:
    texts = [table.row(index) for index in range(len(table))]
    pairs = [np.concatenate([one, other[1:]]) for one, other in zip(texts, texts[1:] + texts[:1], strict=True)]
    return ProofRows(from_rows(pairs, table.labels), ids, table.lengths)
