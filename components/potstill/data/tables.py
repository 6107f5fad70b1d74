"""Raw tables of texts: CSV, TSV, JSONL or Parquet, one file or a folder of them, as a stream of record batches."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from potstill.artifacts import sha256_of
from potstill.data.table_formats import FORMATS, HEADERLESS, Format
from potstill.errors import InputError

TEXT, LABEL = "text", "label"
RAW_SCHEMA = pa.schema([pa.field(TEXT, pa.string()), pa.field(LABEL, pa.string())])


@dataclass(frozen=True)
class Columns:
    """Which columns of a table are read.

    Attributes:
        text: the column of texts.
        label: the column of labels; "" for a table without labels.
        names: the names of all columns of a CSV or TSV file without a header; empty where the header names them.
    """

    text: str
    label: str = ""
    names: tuple[str, ...] = ()

    @property
    def wanted(self) -> list[str]:
        """The columns to read."""
        return [self.text, self.label] if self.label else [self.text]


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
        InputError: no table, a column is missing or of the wrong type, ragged rows, broken encoding, an empty file.
    """
    for file in table_files(source):
        yield from _stream_file(file, columns)


def _stream_file(file: Path, columns: Columns) -> Iterator[pa.RecordBatch]:
    reading = FORMATS[ending_of(file)]
    if columns.names and reading not in HEADERLESS:
        raise InputError(f"{file} names its columns itself; pass columns only for CSV and TSV files without a header")
    try:
        _check_columns(file, reading, columns)
        for batch in reading.batches(file, columns.names, columns.wanted):
            yield _as_text(file, batch, columns)
    except (pa.ArrowException, UnicodeDecodeError, EOFError, OSError) as broken:
        raise InputError(_explain(file, broken)) from broken


def _check_columns(file: Path, reading: Format, columns: Columns) -> None:
    present = reading.names(file, columns.names)
    for role, name in ((TEXT, columns.text), (LABEL, columns.label)):
        if name and name not in present:
            first = next((each for each in present if each not in columns.wanted), present[0])
            without = "; for a file without a header pass --columns" if reading in HEADERLESS else ""
            nolabel = ', or --label-column "" when there are no labels' if role == LABEL else ""
            raise InputError(
                f"{file}: {role} column {name!r} is missing; columns are: {_listed(present)}. "
                f"Pass --{role}-column {first}{nolabel}{without}"
            )


def _listed(names: Sequence[str]) -> str:
    shown = [name if len(name) <= 40 else f"{name[:40]}…" for name in names[:20]]
    return ", ".join(shown) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _as_text(file: Path, batch: pa.RecordBatch, columns: Columns) -> pa.RecordBatch:
    """Bring a batch to RAW_SCHEMA: texts must be text, labels may be text, numbers or truth values."""
    text = batch.column(columns.text)
    value = text.type.value_type if pa.types.is_dictionary(text.type) else text.type
    if not (pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value)):
        raise InputError(
            f"{file}: text column {columns.text!r} holds {text.type}, not text; pass another --text-column"
        )
    label = batch.column(columns.label) if columns.label else pa.nulls(len(batch), pa.string())
    if pa.types.is_nested(label.type):
        raise InputError(
            f"{file}: label column {columns.label!r} holds {label.type}; wanted is one label a row, "
            "or several in one text that --label-separator separates"
        )
    return pa.record_batch([text.cast(pa.string()), label.cast(pa.string())], schema=RAW_SCHEMA)


def _explain(file: Path, broken: Exception) -> str:
    said = " ".join(str(broken).split())
    said = said if len(said) <= 300 else f"{said[:300]}…"
    if "UTF8" in said or isinstance(broken, UnicodeDecodeError):
        return f"{file} is not UTF-8 ({said}); convert it, for instance: iconv -f GB18030 -t UTF-8"
    if "Empty CSV" in said or "Empty JSON" in said or file.stat().st_size == 0:
        return f"{file} is empty; wanted is a table with at least one row"
    if "straddling" in said:
        return f"{file} has a row above 4 MiB; is a quotation mark never closed, or the ending wrong?"
    return f"{file} cannot be read: {said}; mend that row, or check that the ending fits the content"
