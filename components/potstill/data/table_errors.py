"""Why a table cannot be read, in one line: what the reader said, and the way out."""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from potstill.data.table_files import TableFile
from potstill.data.table_formats import unpacked
from potstill.errors import InputError

# UTF-32 first: its little-endian mark begins with that of UTF-16
MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


@contextmanager
def explained(file: TableFile) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into one line.

    Raises:
        InputError: the file is empty, no UTF-8, or not what its ending says.
    """
    try:
        _refuse_other_encodings(file)
        yield
    except (pa.ArrowException, UnicodeDecodeError, EOFError, OSError) as broken:
        raise InputError(_explain(file, broken)) from broken


def _refuse_other_encodings(file: TableFile) -> None:
    """Refuse what a byte order mark gives away; a reader of columns would speak of ragged rows."""
    with unpacked(file, 4) as opened:
        first = opened.read(4)
    encoding = next((name for mark, name in MARKS.items() if first.startswith(mark)), "")
    if encoding:
        raise InputError(f"{file} is {encoding}, not UTF-8; convert it: iconv -f {encoding} -t UTF-8")


def _explain(file: TableFile, broken: Exception) -> str:
    said = " ".join(str(broken).split())
    said = said if len(said) <= 300 else f"{said[:300]}…"
    if "UTF8" in said or isinstance(broken, UnicodeDecodeError):
        way = "write its texts as UTF-8"
        if not file.name.lower().endswith(".parquet"):
            way = "convert it, for instance: iconv -f GB18030 -t UTF-8"
        return f"{file} is not UTF-8 ({said}); {way}"
    if "Empty CSV" in said or "Empty JSON" in said or file.size == 0:
        return f"{file} is empty; wanted is a table with at least one row"
    if "straddling" in said:
        return f"{file} has a row above 4 MiB; is a quotation mark never closed, or the ending wrong?"
    return f"{file} cannot be read: {said}; mend that row, or check that the ending fits the content"
