"""One reader per table format: a file's column names, and its record batches, streamed by pyarrow.

Comma-separated values follow RFC 4180 (quotes, line breaks inside quotes). Tab-separated values have no quoting (IANA
text/tab-separated-values): a quotation mark in a headline is a quotation mark. Text is UTF-8, with or without a byte
order mark; a further `.gz` is unpacked while reading (not for Parquet, which compresses inside).
"""

import codecs
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import csv, json, parquet

from potstill.data.table_values import is_text

# Memory per file is a few of these. A row that fits is always read, one above two of them never; between, it depends
# on where it begins.
BLOCK_BYTES = 4 << 20
BATCH_ROWS = 16_384


@dataclass(frozen=True)
class Format:
    """How to read one kind of file.

    Attributes:
        names: (file, names given by the user) → names of its columns.
        batches: (file, names given by the user, wanted columns) → record batches with those columns, any type.
        rows: file → how many rows it has, having read all of it.
    """

    names: Callable[[Path, Sequence[str]], list[str]]
    batches: Callable[[Path, Sequence[str], Sequence[str]], Iterator[pa.RecordBatch]]
    rows: Callable[[Path], int]


def _delimited(delimiter: str, quote: str | bool) -> Format:
    def opened(path: Path, given: Sequence[str], wanted: Sequence[str]) -> pa.RecordBatchReader:
        return csv.open_csv(
            path,
            # one thread, because only then do errors carry a row number
            read_options=csv.ReadOptions(column_names=given or None, block_size=BLOCK_BYTES, use_threads=False),
            parse_options=csv.ParseOptions(
                delimiter=delimiter, quote_char=quote, double_quote=bool(quote), newlines_in_values=bool(quote)
            ),
            # as text, so that a label 007 keeps its zeros and the headline "NA" is no null
            convert_options=csv.ConvertOptions(
                include_columns=wanted or None,
                column_types=dict.fromkeys(wanted, pa.string()),
                strings_can_be_null=False,
            ),
        )

    def names(path: Path, given: Sequence[str]) -> list[str]:
        with opened(path, given, ()) as reader:
            return list(reader.schema.names)

    def batches(path: Path, given: Sequence[str], wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with opened(path, given, wanted) as reader:
            yield from reader

    def rows(path: Path) -> int:
        places = [str(place) for place in range(len(names(path, ())))]  # headers may repeat a name, these do not
        return sum(map(len, batches(path, places, places))) - 1  # less the header

    return Format(names, batches, rows)


def _json_schema(path: Path) -> pa.Schema:
    """Column names and types of the first block; whatever is neither number nor truth value is read as text."""
    with _open_json(path, None) as reader:
        kept = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_nested)
        return pa.schema(
            [
                field if any(is_kind(field.type) for is_kind in kept) else (field.name, pa.string())
                for field in reader.schema
            ]
        )


def _open_json(path: Path, schema: pa.Schema | None) -> pa.RecordBatchReader:
    parse = json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer" if schema is None else "ignore")
    return json.open_json(
        pa.input_stream(path, compression="detect"),
        read_options=json.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
        parse_options=parse,
    )


def _json_names(path: Path, given: Sequence[str]) -> list[str]:
    del given  # every JSON object names its columns
    return list(_json_schema(path).names)


def _json_batches(path: Path, given: Sequence[str], wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
    del given
    schema = _json_schema(path)
    with _open_json(path, pa.schema([schema.field(name) for name in wanted])) as reader:
        for batch in reader:
            batch.validate(full=True)  # the JSON reader alone lets broken UTF-8 pass
            yield batch.select(list(wanted))


def _json_rows(path: Path) -> int:
    """Every row is parsed, but no value is converted: columns that nobody reads may change their type."""
    _json_schema(path)
    decoder = codecs.getincrementaldecoder("utf-8")()
    with pa.input_stream(path, compression="detect") as opened:
        while block := opened.read(BLOCK_BYTES):
            decoder.decode(block)
    decoder.decode(b"", final=True)
    with _open_json(path, pa.schema([])) as reader:
        return sum(map(len, reader))


def _parquet_names(path: Path, given: Sequence[str]) -> list[str]:
    del given  # a Parquet file names its columns
    return list(parquet.read_schema(path).names)


def _parquet_batches(path: Path, given: Sequence[str], wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
    del given
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=list(wanted), use_threads=False):
            batch.validate(full=True)  # broken UTF-8 passes a Parquet reader
            yield batch


def _parquet_rows(path: Path) -> int:
    """Columns of text are read; pictures and lists beside them are not."""
    schema = parquet.read_schema(path)
    for _ in _parquet_batches(path, (), [field.name for field in schema if is_text(field.type)]):
        pass
    return int(parquet.read_metadata(path).num_rows)


_CSV, _TSV = _delimited(",", '"'), _delimited("\t", quote=False)
_JSONL = Format(_json_names, _json_batches, _json_rows)
_PARQUET = Format(_parquet_names, _parquet_batches, _parquet_rows)
FORMATS = {
    ".csv": _CSV,
    ".csv.gz": _CSV,
    ".tsv": _TSV,
    ".tsv.gz": _TSV,
    ".jsonl": _JSONL,
    ".jsonl.gz": _JSONL,
    ".parquet": _PARQUET,
}
HEADERLESS = (_CSV, _TSV)
