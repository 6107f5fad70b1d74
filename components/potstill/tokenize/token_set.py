"""The corpus that an older token set gives: its rows stay as they are, and their texts are cut with another tokenizer.

So a token set follows a checkpoint whose vocabulary was cut: the splits that its teacher learnt from still hold.
"""

from collections.abc import Iterator
from dataclasses import fields

import pyarrow as pa
import pyarrow.parquet as pq

from potstill.artifacts import Artifact
from potstill.data.tokens import MULTI_LABEL, SPLITS, split_path
from potstill.errors import InputError
from potstill.progress import progress
from potstill.tokenize import rows
from potstill.tokenize.arrangement import Counts
from potstill.tokenize.config import TokenizeConfig
from potstill.tokenize.corpus import Corpus

APPLY = ("max_length", "vocabulary_min_count", "vocabulary_coverage", "max_unknown_rise", "data_digest")


def corpus_of_tokens(tokens: Artifact, config: TokenizeConfig) -> Corpus:
    """Describe the rows of a token set, with its splits, row ids and labels.

    Args:
        tokens: a sealed tokens/v1.
        config: the options; those that divide and label rows must be as they are by default.

    Raises:
        InputError: another option than APPLY is set.
    """
    _refuse_dividing(config)
    multi_label = bool(tokens.meaning.get(MULTI_LABEL))
    found: dict[str, int] = {split: tokens.meaning["splits"].get(split, 0) for split in SPLITS}

    def read(split: str, what: str) -> Iterator[pa.Table]:
        columns = ["row_id", "text", "labels" if multi_label else "label"]
        with pq.ParquetFile(split_path(tokens.path, split)) as file:
            schema = pa.schema([file.schema_arrow.field(name) for name in columns])
            groups = rows.regroup(file.iter_batches(rows.GROUP_ROWS, columns=columns), schema)
            total = -(-found[split] // rows.GROUP_ROWS)
            yield from progress(groups, f"{what} {split}", total, f"batch of {rows.GROUP_ROWS} rows")

    count = sum(found.values())
    return Corpus(Counts(rows=count, unique=count), found, list(tokens.meaning["labels"]), multi_label, read)


def _refuse_dividing(config: TokenizeConfig) -> None:
    given = {
        field.name: getattr(config, field.name)
        for field in fields(config)
        if field.name not in APPLY and getattr(config, field.name) != field.default
    }
    if given:
        shown = ", ".join(f"--{name.replace('_', '-')} {value}" for name, value in given.items())
        raise InputError(
            f"data is a token set, whose rows stay divided and labelled as they are; leave out {shown}, "
            "or pass the table that it was made from"
        )
