"""Token tables on disk: each split's rows are tokenised and written group by group."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from potstill.data.table_columns import TEXT
from potstill.data.tokens import split_path
from potstill.tokenize.corpus import Corpus
from potstill.tokenize.statistics import SplitStatistics
from potstill.vocabulary.encoding import Encoded, Encoder


def write_tokens(corpus: Corpus, split: str, tokens: Path, encoder: Encoder) -> SplitStatistics:
    """Tokenise one split into `<split>.parquet`, one row group after the other.

    Args:
        corpus: the texts.
        split: which of its splits.
        tokens: the tokens/v1 folder.
        encoder: the tokenizer that ships.

    Returns: the split's statistics.
    """
    statistics, schema, path = SplitStatistics(corpus.labels), corpus.schema, split_path(tokens, split)
    with pq.ParquetWriter(path, schema, compression="zstd", write_statistics=False) as writer:
        for group in corpus.read(split, "tokenise"):
            encoded = encoder.encode(group[TEXT].to_pylist())
            writer.write_table(_table(group, encoded, schema))
            labels = group.column(group.num_columns - 1)
            each = labels.combine_chunks().flatten() if corpus.multi_label else labels.drop_null()
            statistics.add(encoded, encoder, each.to_numpy(zero_copy_only=False).astype(np.int64))
    return statistics


def _table(group: pa.Table, encoded: Encoded, schema: pa.Schema) -> pa.Table:
    names, texts, labels = group.columns
    offsets = pa.array(np.concatenate([[0], np.cumsum(encoded.lengths)]).astype(np.int32))
    ids = pa.ListArray.from_arrays(offsets, pa.array(encoded.ids))
    return pa.table([names, texts, ids, labels], schema=schema)
