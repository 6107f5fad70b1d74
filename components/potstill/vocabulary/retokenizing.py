"""The texts of a token set, cut anew with another tokenizer: as after its vocabulary was cut."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from potstill.data.tokens import TokenTable, has_split, read_split, read_texts, split_path
from potstill.vocabulary.encoding import Encoder

GROUP_ROWS = 8_192  # texts in memory at a time


def texts_of(tokens: Path, splits: Sequence[str]) -> Callable[[], Iterator[list[str]]]:
    """Return what reads the texts of a token set, in groups, as often as it is called.

    Args:
        tokens: a tokens/v1 folder.
        splits: names of splits; those that it does not have are left out.
    """
    paths = [split_path(tokens, split) for split in splits if has_split(tokens, split)]

    def read() -> Iterator[list[str]]:
        for path in paths:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(GROUP_ROWS, columns=["text"]):
                    yield batch.column("text").to_pylist()

    return read


def retokenized(tokens: Path, split: str, encoder: Encoder) -> TokenTable:
    """Return a split with the same rows and labels, its texts cut anew.

    Args:
        tokens: a tokens/v1 folder.
        split: its name.
        encoder: the tokenizer to cut with, and the most tokens of a row.

    Raises:
        ArtifactError: the split is not there or has no row.
    """
    labels = read_split(tokens, split).labels
    encoded = encoder.encode(read_texts(tokens, split))
    offsets = np.concatenate([[0], np.cumsum(encoded.lengths)]).astype(np.int64)
    return TokenTable(encoded.ids, offsets, labels)
