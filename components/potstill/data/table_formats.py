"""One reader per table format: a file's column names, and its record batches, streamed by pyarrow.

Comma-separated values follow RFC 4180 (quotes, line breaks inside quotes). Tab-separated values have no quoting (IANA
text/tab-separated-values): a quotation mark in a headline is a quotation mark. Text is UTF-8, with or without a byte
order mark; a further `.gz` is unpacked while reading (not for Parquet, which compresses inside).
"""

import codecs
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import csv, json, parquet

from potstill.data.read_ahead import ReadAhead
from potstill.data.table_files import TableFile
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

    names: Callable[[TableFile, Sequence[str]], list[str]]
    batches: Callable[[TableFile, Sequence[str], Sequence[str]], Iterator[pa.RecordBatch]]
    rows: Callable[[TableFile], int]


@contextmanager
def unpacked(file: TableFile, block: int = 0) -> Iterator[pa.NativeFile]:
    """Open a file to be read from its beginning; one that ends in .gz is unpacked meanwhile.

    Args:
        file: which.
        block: how many bytes to ask for at once; 0: BLOCK_BYTES.
    """
    packing = "gzip" if file.ending.endswith(".gz") else None
    with (
        io.BufferedReader(file.open(), block or BLOCK_BYTES) as raw,
        pa.input_stream(raw, compression=packing) as stream,
    ):
        yield stream


@contextmanager
def _ahead(file: TableFile) -> Iterator[ReadAhead]:
    with unpacked(file) as stream:
        ahead = ReadAhead(stream)
        try:
            yield ahead
        finally:
            ahead.close()


def _delimited(delimiter: str, quote: str | bool) -> Format:
    def opened(ahead: ReadAhead, given: Sequence[str], wanted: Sequence[str]) -> pa.RecordBatchReader:
        return csv.open_csv(
            ahead.file(),
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

    def names(file: TableFile, given: Sequence[str]) -> list[str]:
        with _ahead(file) as ahead:
            return list(ahead.schema(lambda: opened(ahead, given, ())).names)

    def batches(file: TableFile, given: Sequence[str], wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with _ahead(file) as ahead:
            yield from ahead.batches(lambda: opened(ahead, given, wanted))

    def rows(file: TableFile) -> int:
        places = [str(place) for place in range(len(names(file, ())))]  # headers may repeat a name, these do not
        return sum(map(len, batches(file, places, places))) - 1  # less the header

    return Format(names, batches, rows)


def _json_schema(file: TableFile) -> pa.Schema:
    """Column names and types of the first block; whatever is neither number nor truth value is read as text."""
    kept = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_nested)
    with _ahead(file) as ahead:
        return pa.schema(
            [
                field if any(is_kind(field.type) for is_kind in kept) else (field.name, pa.string())
                for field in ahead.schema(lambda: _open_json(ahead, None))
            ]
        )


def _open_json(ahead: ReadAhead, schema: pa.Schema | None) -> pa.RecordBatchReader:
    parse = json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer" if schema is None else "ignore")
    return json.open_json(
        ahead.file(),
        read_options=json.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
        parse_options=parse,
    )


def _json_stream(file: TableFile, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    with _ahead(file) as ahead:
        yield from ahead.batches(lambda: _open_json(ahead, schema))


def _json_names(file: TableFile, given: Sequence[str]) -> list[str]:
    del given  # every JSON object names its columns
    return list(_json_schema(file).names)


def _json_batches(file: TableFile, given: Sequence[str], wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
    del given
    schema = _json_schema(file)
    for batch in _json_stream(file, pa.schema([schema.field(name) for name in wanted])):
        batch.validate(full=True)  # the JSON reader alone lets broken UTF-8 pass
        yield batch.select(list(wanted))


def _json_rows(file: TableFile) -> int:
    """Every row is parsed, but no value is converted: columns that nobody reads may change their type."""
    _json_schema(file)
    decoder = codecs.getincrementaldecoder("utf-8")()
    with unpacked(file) as opened:
        while block := opened.read(BLOCK_BYTES):
            decoder.decode(block)
    decoder.decode(b"", final=True)
    return sum(map(len, _json_stream(file, pa.schema([]))))


@contextmanager
def _open_parquet(file: TableFile) -> Iterator[parquet.ParquetFile]:
    """Only what is asked for is read, a column's chunk piece by piece and not all of it at once."""
    with file.open() as raw, parquet.ParquetFile(pa.PythonFile(raw, "r"), buffer_size=BLOCK_BYTES) as opened:
        yield opened


def _parquet_names(file: TableFile, given: Sequence[str]) -> list[str]:
    del given  # a Parquet file names its columns
    with _open_parquet(file) as opened:
        return list(opened.schema_arrow.names)


def _parquet_batches(file: TableFile, given: Sequence[str], wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
    del given
    with _open_parquet(file) as opened:
        for batch in opened.iter_batches(BATCH_ROWS, columns=list(wanted), use_threads=False):
            batch.validate(full=True)  # broken UTF-8 passes a Parquet reader
            yield batch


def _parquet_rows(file: TableFile) -> int:
    """Columns of text are read; pictures and lists beside them are not."""
    with _open_parquet(file) as opened:
        texts, count = [field.name for field in opened.schema_arrow if is_text(field.type)], opened.metadata.num_rows
    for _ in _parquet_batches(file, (), texts):
        pass
    return int(count)


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
