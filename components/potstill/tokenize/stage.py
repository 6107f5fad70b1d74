"""From a table of texts to `tokens/v1`: read once, arrange on disk, tokenise split by split."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Self

import pyarrow as pa
from pydantic import Field, model_validator

from potstill.artifacts import CHECKPOINT, TOKENS, creating, expect, is_sealed, seal
from potstill.data.tables import Columns, stream_table
from potstill.data.tokens import MULTI_LABEL, SPLITS
from potstill.errors import InputError
from potstill.licences import UNDECLARED
from potstill.measure.measures import Measures
from potstill.options import options
from potstill.progress import progress
from potstill.provenance import maker
from potstill.tokenize.encoding import Encoder
from potstill.tokenize.labels import labels_of
from potstill.tokenize.outcome import measures_of, write_statistics
from potstill.tokenize.shipping import Vocabulary, ship_pruned_tokenizer, ship_tokenizer
from potstill.tokenize.source import Source, open_source
from potstill.tokenize.split import Shares
from potstill.tokenize.splitting import Division, divide
from potstill.tokenize.writing import write_tokens


@options
class TokenizeConfig:
    """Which columns are read, how rows are divided, and how long a text may be."""

    text_column: str = "text"
    """Column of the texts."""
    label_column: str = "label"
    """Column of the labels (text, numbers or truth values); empty for a table without labels."""
    label_separator: str = ""
    """Separates several labels of one row, as in 体育|财经; empty: one label per row."""
    columns: str = ""
    """Names of all columns, comma-separated, for CSV and TSV files without a header line."""
    max_length: Annotated[int, Field(ge=3)] = 128
    """Most tokens of a text, [CLS] and [SEP] included; longer texts are cut at the end."""
    test_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the labelled texts that judge the model."""
    validation_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the remaining labelled texts that choose the best epoch."""
    labelled_rows: Annotated[int, Field(ge=0)] = 0
    """Most training rows that keep their label; the labels of the others are thrown away. 0: all keep it."""
    unlabelled_rows: Annotated[int, Field(ge=0)] = 0
    """Most rows of the unlabelled split. 0: no limit."""
    vocabulary_min_count: Annotated[int, Field(ge=0)] = 0
    """Drop word pieces seen less often than this outside the test split. 0: keep the whole vocabulary."""
    labels_of_start: bool = False
    """Number the labels as the classifier in --start does, to judge it; False: by the sorted names of the table."""
    seed: int = 0
    """Draws another split."""
    data_digest: str = ""
    """Digest that the data must have: of a sealed data set its digest, of one raw file its SHA-256. Empty: any."""

    @model_validator(mode="after")
    def _separates_names(self) -> Self:
        """White space around names is dropped, so it cannot separate them, nor tell "no label" from a blank cell."""
        if self.label_separator != self.label_separator.strip():
            raise ValueError(
                f"label_separator must not begin or end with white space, got {self.label_separator!r}; "
                "pass the character alone, for instance |"
            )
        if self.label_separator and not self.label_column:
            raise ValueError(
                f"label_separator needs a label column, got {self.label_separator!r} and label_column ''; "
                "name the column, or leave label_separator empty"
            )
        return self


def tokenize_table(data: str | Path, start: Path, tokens: Path, config: TokenizeConfig) -> Measures:
    """Turn raw texts into token ids, split so that no text leaks from training into the test.

    Texts that are equal up to case, width and white space count once; texts with contradicting labels are dropped. The
    result depends neither on the order of rows and files nor on the memory of the machine.

    Args:
        data: a sealed dataset/v1 folder, a CSV, TSV, JSONL or Parquet file, a folder of them, or an s3:// URI.
        start: a checkpoint/v1 or tokens/v1 folder, or any folder with a tokenizer.json.
        tokens: the tokens/v1 folder to write.
        config: the options.

    Returns: rows of each split, duplicates, conflicts, share of unknown and of cut texts, size of the vocabulary.

    Raises:
        InputError: columns, rows, labels or tokenizer are not as they must be.
        ArtifactError: a sealed input is not whole.

    Source: WordPiece, arXiv:1810.04805.
    """
    begun = expect(start, CHECKPOINT, TOKENS) if is_sealed(start) else None
    _check_length(start, config.max_length)
    with creating(tokens, Path(data), start):
        with tempfile.TemporaryDirectory(dir=tokens) as temporary:
            scratch = Path(temporary)
            source = open_source(data, _folder(scratch, "data"), config.data_digest)
            division = _divide(source, config, scratch)
            encoder, vocabulary = _ship(start, tokens, config, division, scratch)
            labels = labels_of(start, division.labels) if config.labels_of_start else division.labels
            wanted = [split for split in SPLITS if division.rows[split]]
            splits = {
                split: write_tokens(scratch, split, tokens, encoder, labels, config.label_separator) for split in wanted
            }
        write_statistics(tokens, division.counts, splits, vocabulary)
        meaning = {
            "labels": labels,
            "max_length": config.max_length,
            "splits": {split: division.rows[split] for split in wanted},
            "vocabulary_size": vocabulary.after,
            "vocabulary_pruned": vocabulary.pruned,
            "data_digest": source.digest,
            **({MULTI_LABEL: True} if config.label_separator else {}),
        }
        inputs = {name: each for name, each in (("data", source.sealed), ("start", begun)) if each is not None}
        undeclared = UNDECLARED if len(inputs) < 2 else None
        seal(tokens, TOKENS, maker("tokenize", config), inputs, meaning, undeclared)
    return measures_of(division.counts, splits, vocabulary)


def _folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name


def _check_length(start: Path, max_length: int) -> None:
    """Refuse texts longer than the model has positions for; training would fail on the first of them."""
    settings = json.loads((start / "config.json").read_text()) if (start / "config.json").is_file() else {}
    most = settings.get("max_position_embeddings", max_length)
    if max_length > most:
        raise InputError(f"{start} has {most} positions; pass --max-length {most} or less, got {max_length}")


def _read(source: Source, config: TokenizeConfig) -> Iterator[pa.RecordBatch]:
    names = tuple(name.strip() for name in config.columns.split(",") if name.strip())
    columns = Columns(config.text_column, config.label_column, names)
    return progress(stream_table(source.path, columns), "read", unit="batch")


def _divide(source: Source, config: TokenizeConfig, scratch: Path) -> Division:
    shares = Shares(config.test_share, config.validation_share, config.labelled_rows, config.unlabelled_rows)
    labelled = bool(config.label_column)
    return divide(_read(source, config), shares, config.seed, labelled, scratch, config.label_separator)


def _ship(
    start: Path, tokens: Path, config: TokenizeConfig, division: Division, scratch: Path
) -> tuple[Encoder, Vocabulary]:
    if not config.vocabulary_min_count:
        return ship_tokenizer(start, tokens, config.max_length)
    return ship_pruned_tokenizer(start, tokens, config.max_length, division.rows, scratch, config.vocabulary_min_count)
