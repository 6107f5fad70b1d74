"""Raw tables of texts: CSV, TSV, JSONL or Parquet, one file or a folder of them, as a stream of record batches."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from potstill.data.table_columns import Columns, check_columns
from potstill.data.table_errors import explained
from potstill.data.table_files import Table, TableFile, file_on_disk, files_in_store
from potstill.data.table_formats import FORMATS, HEADERLESS
from potstill.data.table_guess import guessed_ending
from potstill.data.table_values import as_text
from potstill.errors import InputError
from potstill.store.objects import StoredObject


def table_files(source: Path) -> list[Path]:
    """List the table files of a source, sorted by path; hidden files are passed over.

    Args:
        source: a file, or a folder that is searched to its bottom. A file whose name has no ending at all is taken for
            a table, as pipelines hand them over.

    Raises:
        InputError: there is no such path, or no file with a known ending.
    """
    if not source.exists():
        raise InputError(f"{source} does not exist; wanted is a table file or a folder of them")
    every = [source] if source.is_file() else [each for each in source.rglob("*") if each.is_file()]
    files = sorted(each for each in every if _is_table(each.name, alone=source.is_file()))
    if not files:
        raise InputError(f"{source} holds no table; known endings are: {', '.join(FORMATS)}")
    return files


def ending_of(name: str) -> str:
    """Return the known ending of a file's name, in lower case, or "" when it has none."""
    return next((ending for ending in FORMATS if name.lower().endswith(ending)), "")


def table_on_disk(source: Path) -> Table:
    """Describe the table files of a file or a folder; as `table_files`."""
    files, root = table_files(source), source if source.is_dir() else source.parent
    found = tuple(_with_ending(file_on_disk(each, each.relative_to(root).as_posix())) for each in files)
    return Table(str(source), found, source.is_file())


def table_in_store(uri: str, objects: Mapping[str, StoredObject]) -> Table:
    """Describe the table files among objects, as on a disk; hidden ones are passed over.

    Args:
        uri: where they lie.
        objects: by their path below it; "" is that of a single one.

    Raises:
        InputError: none of them has a known ending.
    """
    files = [each for each in files_in_store(objects) if _is_table(each.inside, alone="" in objects)]
    if not files:
        raise InputError(f"{uri} holds no table; known endings are: {', '.join(FORMATS)}")
    found = sorted(map(_with_ending, files), key=lambda each: each.inside.split("/"))
    return Table(uri, tuple(found), "" in objects)


def digest_of(table: Table) -> str:
    """Name the content of a raw table: SHA-256 of a single file; of a folder, of its `sha256sum` lines, sorted."""
    if table.single:
        return table.files[0].digest()
    lines = [f"{each.digest()}  {each.inside}\n" for each in table.files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def stream_table(table: Table, columns: Columns) -> Iterator[pa.RecordBatch]:
    """Stream a table without ever holding more than a few megabytes of it.

    Args:
        table: files that all have the wanted columns.
        columns: what to read.

    Yields: batches of RAW_SCHEMA; `label` is null where the table has no label.

    Raises:
        InputError: a column is missing, repeated or of the wrong type, ragged rows, broken encoding, an empty file, or
            a store that refuses.
    """
    for file in table.files:
        yield from _stream_file(file, columns)


def count_rows(table: Table) -> int:
    """Read a table to its end, whatever its columns, and count its rows.

    The first line of a CSV or TSV file counts as a header.

    Returns: the rows of all files, at least 1.

    Raises:
        InputError: no row, ragged rows, broken encoding, or a file that is not what its ending says.
    """
    rows = 0
    for file in table.files:
        with explained(file):
            rows += FORMATS[file.ending].rows(file)
    if not rows:
        raise InputError(f"{table.name} has no row below its column names; wanted is a table with at least one row")
    return rows


def _is_table(path: str, *, alone: bool) -> bool:
    name = path.rpartition("/")[2]
    return not name.startswith(".") and (bool(ending_of(name)) or (alone and "." not in name))


def _with_ending(file: TableFile) -> TableFile:
    return replace(file, ending=ending_of(file.name) or guessed_ending(file))


def _stream_file(file: TableFile, columns: Columns) -> Iterator[pa.RecordBatch]:
    reading = FORMATS[file.ending]
    if columns.names and reading not in HEADERLESS:
        raise InputError(f"{file} names its columns itself; pass columns only for CSV and TSV files without a header")
    with explained(file):
        check_columns(file, reading.names(file, columns.names), columns, reading in HEADERLESS)
        for batch in reading.batches(file, columns.names, columns.wanted):
            yield as_text(file, batch, columns)
