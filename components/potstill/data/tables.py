"""Raw tables of texts: CSV, TSV, JSONL or Parquet, one file or a folder of them, as a stream of record batches."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from potstill.artifacts import sha256_of
from potstill.data.table_columns import Columns, check_columns
from potstill.data.table_errors import explained
from potstill.data.table_formats import FORMATS, HEADERLESS
from potstill.data.table_values import as_text
from potstill.errors import InputError


def table_files(source: Path) -> list[Path]:
    """List the table files of a source, sorted by path; hidden files are passed over.

    Args:
        source: a file, or a folder that is searched to its bottom.

    Raises:
        InputError: there is no such path, or no file with a known ending.
    """
    if not source.exists():
        raise InputError(f"{source} does not exist; wanted is a table file or a folder of them")
    every = [source] if source.is_file() else [each for each in source.rglob("*") if each.is_file()]
    files = sorted(each for each in every if ending_of(each) and not each.name.startswith("."))
    if not files:
        raise InputError(f"{source} holds no table; known endings are: {', '.join(FORMATS)}")
    return files


def ending_of(path: Path) -> str:
    """Return the known ending of a file's name, in lower case, or "" when it has none."""
    return next((ending for ending in FORMATS if path.name.lower().endswith(ending)), "")


def digest_of(source: Path) -> str:
    """Name the content of a raw table: SHA-256 of a single file; of a folder, of its `sha256sum` lines, sorted."""
    files = table_files(source)
    if source.is_file():
        return sha256_of(source)
    lines = [f"{sha256_of(file)}  {file.relative_to(source).as_posix()}\n" for file in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def stream_table(source: Path, columns: Columns) -> Iterator[pa.RecordBatch]:
    """Stream a table without ever holding more than a few megabytes of it.

    Args:
        source: a file, or a folder of files that all have the wanted columns.
        columns: what to read.

    Yields: batches of RAW_SCHEMA; `label` is null where the table has no label.

    Raises:
        InputError: no table, a column is missing, repeated or of the wrong type, ragged rows, broken encoding, an
            empty file.
    """
    for file in table_files(source):
        yield from _stream_file(file, columns)


def count_rows(source: Path) -> int:
    """Read a table to its end, whatever its columns, and count its rows.

    The first line of a CSV or TSV file counts as a header.

    Args:
        source: a file, or a folder of files.

    Returns: the rows of all files, at least 1.

    Raises:
        InputError: no table, no row, ragged rows, broken encoding, or a file that is not what its ending says.
    """
    rows = 0
    for file in table_files(source):
        with explained(file):
            rows += FORMATS[ending_of(file)].rows(file)
    if not rows:
        raise InputError(f"{source} has no row below its column names; wanted is a table with at least one row")
    return rows


def _stream_file(file: Path, columns: Columns) -> Iterator[pa.RecordBatch]:
    reading = FORMATS[ending_of(file)]
    if columns.names and reading not in HEADERLESS:
        raise InputError(f"{file} names its columns itself; pass columns only for CSV and TSV files without a header")
    with explained(file):
        check_columns(file, reading.names(file, columns.names), columns, reading in HEADERLESS)
        for batch in reading.batches(file, columns.names, columns.wanted):
            yield as_text(file, batch, columns)
