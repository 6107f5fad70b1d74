"""Token tables on disk: each split's rows are tokenised and written group by group."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from potstill.data.table_columns import LABEL, TEXT
from potstill.data.tokens import SCHEMA, UNLABELLED, multi_label_schema, split_path
from potstill.tokenize.arrangement import ROW_ID
from potstill.tokenize.encoding import Encoded, Encoder
from potstill.tokenize.label_sets import label_numbers
from potstill.tokenize.rows import read_rows
from potstill.tokenize.statistics import SplitStatistics


def write_tokens(
    rows: Path, split: str, tokens: Path, encoder: Encoder, labels: list[str], separator: str = ""
) -> SplitStatistics:
    """Tokenise one split into `<split>.parquet`, one row group after the other.

    Args:
        rows: folder of the split's rows (`rows.write_rows`).
        split: its name; labels of the unlabelled split are thrown away here.
        tokens: the tokens/v1 folder.
        encoder: the tokenizer that ships.
        labels: label names by number.
        separator: stands between several labels of one row; empty: one label per row.

    Returns: the split's statistics.
    """
    statistics, schema = SplitStatistics(labels), multi_label_schema(len(labels)) if separator else SCHEMA
    with pq.ParquetWriter(split_path(tokens, split), schema, compression="zstd", write_statistics=False) as writer:
        for group in read_rows(rows, split, "tokenise"):
            encoded = encoder.encode(group[TEXT].to_pylist())
            numbers = pa.nulls(len(group), schema.types[-1])
            if split != UNLABELLED:
                numbers = _numbers(group[LABEL], labels, separator)
            writer.write_table(_table(group, encoded, numbers, schema))
            each = numbers.flatten() if separator else numbers.drop_null()
            statistics.add(encoded, encoder, each.to_numpy(zero_copy_only=False).astype(np.int64))
    return statistics


def _numbers(cells: pa.ChunkedArray, labels: list[str], separator: str) -> pa.Array:
    """Label numbers of each row: one, or a list where there is a separator."""
    if separator:
        return label_numbers(cells, separator, labels)
    return pc.index_in(cells, pa.array(labels, pa.string())).combine_chunks().cast(pa.int32())


def _table(group: pa.Table, encoded: Encoded, numbers: pa.Array, schema: pa.Schema) -> pa.Table:
    names = pa.array([name.hex() for name in group[ROW_ID].to_pylist()], pa.string())
    offsets = pa.array(np.concatenate([[0], np.cumsum(encoded.lengths)]).astype(np.int32))
    ids = pa.ListArray.from_arrays(offsets, pa.array(encoded.ids))
    return pa.table([names, group[TEXT], ids, numbers], schema=schema)


def count_tokens(rows: Path, split: str, encoder: Encoder) -> npt.NDArray[np.int64]:
    """Count how often each token id occurs in a split: (vocabulary,) int64, truncated as it will be trained on."""
    total = np.zeros(encoder.size, np.int64)
    for group in read_rows(rows, split, "count pieces of"):
        total += np.bincount(encoder.encode(group[TEXT].to_pylist()).ids, minlength=encoder.size)
    return total
