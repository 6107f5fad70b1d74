"""From a table of texts, or an older token set, to `tokens/v1`: read once, arrange on disk, tokenise split by split."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from potstill.artifacts import CHECKPOINT, TOKENS, Artifact, expect, is_sealed, seal
from potstill.data.table_columns import Columns
from potstill.data.table_files import Table
from potstill.data.tables import stream_table
from potstill.data.tokens import MULTI_LABEL
from potstill.encoder.positions import longest_input
from potstill.errors import InputError
from potstill.licences import UNDECLARED
from potstill.measure.measures import Measures
from potstill.output_folder import creating
from potstill.progress import progress
from potstill.provenance import maker
from potstill.tokenize.config import TokenizeConfig, column_names
from potstill.tokenize.corpus import Corpus
from potstill.tokenize.labels import labels_of
from potstill.tokenize.outcome import measures_of, write_statistics
from potstill.tokenize.shipping import ship_tokenizer
from potstill.tokenize.source import Source, open_source
from potstill.tokenize.split import Shares
from potstill.tokenize.splitting import divide
from potstill.tokenize.table_corpus import corpus_of_table
from potstill.tokenize.token_set import corpus_of_tokens
from potstill.tokenize.writing import write_tokens
from potstill.vocabulary.encoding import require_tokenizer


def tokenize_table(data: str | Path, start: Path, tokens: Path, config: TokenizeConfig) -> Measures:
    """Turn raw texts into token ids, split so that no text leaks from training into the test.

    Texts that are equal up to case, width and white space count once; texts with contradicting labels are dropped. The
    result depends neither on the order of rows and files nor on the memory of the machine. The rows of a token set stay
    as they are divided, and only their texts are cut anew.

    Args:
        data: a sealed dataset/v1 or tokens/v1 folder, a CSV, TSV, JSONL or Parquet file, a folder of them, or an s3://
            URI.
        start: a checkpoint/v1 or tokens/v1 folder, or any folder with a tokenizer.json.
        tokens: the tokens/v1 folder to write.
        config: the options.

    Returns: rows of each split, duplicates, conflicts, share of unknown and of cut texts, size of the vocabulary.

    Raises:
        InputError: columns, rows, labels or tokenizer are not as they must be, or [UNK] would rise too much.
        ArtifactError: a sealed input is not whole.

    Source: WordPiece, arXiv:1810.04805.
    """
    begun = expect(start, CHECKPOINT, TOKENS) if is_sealed(start) else None
    require_tokenizer(start)
    _check_length(start, config.max_length)
    with creating(tokens, TOKENS, Path(data), start):
        with tempfile.TemporaryDirectory(dir=tokens) as temporary:
            scratch = Path(temporary)
            source = open_source(data, _folder(scratch, "data"), config.data_digest)
            corpus = _corpus(source, start, config, scratch)
            encoder, vocabulary = ship_tokenizer(start, tokens, config.max_length, corpus, config.rule)
            splits = {split: write_tokens(corpus, split, tokens, encoder) for split in corpus.splits}
        write_statistics(tokens, corpus.counts, splits, vocabulary)
        meaning = {
            "labels": corpus.labels,
            "max_length": config.max_length,
            "splits": {split: corpus.rows[split] for split in corpus.splits},
            **vocabulary.meaning(),
            "data_digest": source.digest,
            **({MULTI_LABEL: True} if corpus.multi_label else {}),
        }
        inputs = {name: each for name, each in (("data", source.sealed), ("start", begun)) if each is not None}
        undeclared = UNDECLARED if len(inputs) < 2 else None
        seal(tokens, TOKENS, maker("tokenize", config), inputs, meaning, undeclared)
    return measures_of(corpus.counts, splits, vocabulary)


def _folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name


def _check_length(start: Path, max_length: int) -> None:
    """Refuse texts longer than the model has positions for; training would fail on the first of them."""
    settings = json.loads((start / "config.json").read_text()) if (start / "config.json").is_file() else {}
    most = longest_input(settings)
    if most is not None and max_length > most:
        raise InputError(f"{start} reads at most {most} tokens; pass --max-length {most} or less, got {max_length}")


def _read(table: Table, config: TokenizeConfig) -> Iterator[pa.RecordBatch]:
    columns = Columns(config.text_column, config.label_column, column_names(config.columns))
    return progress(stream_table(table, columns), "read", unit="batch")


def _corpus(source: Source, start: Path, config: TokenizeConfig, scratch: Path) -> Corpus:
    if isinstance(source.texts, Artifact):
        return corpus_of_tokens(source.texts, config)
    shares = Shares(config.test_share, config.validation_share, config.labelled_rows, config.unlabelled_rows)
    labelled, separator = bool(config.label_column), config.label_separator
    division = divide(_read(source.texts, config), shares, config.seed, labelled, scratch, separator)
    labels = labels_of(start, division.labels) if config.labels_of_start else division.labels
    return corpus_of_table(division, scratch, labels, separator)
