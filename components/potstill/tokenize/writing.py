"""Token tables on disk: each split's rows are tokenised and written group by group."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from potstill.data.tables import LABEL, TEXT
from potstill.data.tokens import SCHEMA, UNLABELLED, split_path
from potstill.tokenize.arrangement import ROW_ID
from potstill.tokenize.encoding import Encoded, Encoder
from potstill.tokenize.rows import read_rows
from potstill.tokenize.statistics import SplitStatistics


def write_tokens(rows: Path, split: str, tokens: Path, encoder: Encoder, labels: list[str]) -> SplitStatistics:
    """Tokenise one split into `<split>.parquet`, one row group after the other.

    Args:
        rows: folder of the split's rows (`rows.write_rows`).
        split: its name; labels of the unlabelled split are thrown away here.
        tokens: the tokens/v1 folder.
        encoder: the tokenizer that ships.
        labels: label names by number.

    Returns: the split's statistics.
    """
    statistics = SplitStatistics(labels)
    with pq.ParquetWriter(split_path(tokens, split), SCHEMA, compression="zstd", write_statistics=False) as writer:
        for group in read_rows(rows, split, "tokenise"):
            encoded = encoder.encode(group[TEXT].to_pylist())
            numbers = pc.index_in(group[LABEL], pa.array(labels, pa.string())).combine_chunks()
            if split == UNLABELLED:
                numbers = pa.nulls(len(group), pa.int32())
            writer.write_table(_table(group, encoded, numbers))
            statistics.add(encoded, encoder, numbers.drop_null().to_numpy(zero_copy_only=False).astype(np.int64))
    return statistics


def _table(group: pa.Table, encoded: Encoded, numbers: pa.Array) -> pa.Table:
    names = pa.array([name.hex() for name in group[ROW_ID].to_pylist()], pa.string())
    offsets = pa.array(np.concatenate([[0], np.cumsum(encoded.lengths)]).astype(np.int32))
    ids = pa.ListArray.from_arrays(offsets, pa.array(encoded.ids))
    return pa.table([names, group[TEXT], ids, numbers.cast(pa.int32())], schema=SCHEMA)


def count_tokens(rows: Path, split: str, encoder: Encoder) -> npt.NDArray[np.int64]:
    """Count how often each token id occurs in a split: (vocabulary,) int64, truncated as it will be trained on."""
    total = np.zeros(encoder.size, np.int64)
    for group in read_rows(rows, split, "count pieces of"):
        total += np.bincount(encoder.encode(group[TEXT].to_pylist()).ids, minlength=encoder.size)
    return total
