"""Control characters in label names: a NUL ends the name in an app, a line break ends it in every list of labels."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from potstill.data.table_columns import LABEL
from potstill.errors import InputError
from potstill.tokenize.label_sets import names_of

SHOWN = 5
MOST_NAMES = 1000  # counted; with more of them the column is none of labels, and reading on would tell nothing


def refuse_control_characters(batches: Iterable[pa.RecordBatch], separator: str) -> Iterator[pa.RecordBatch]:
    """Pass batches on, and refuse at their end the label names that hold control characters (Unicode category Cc).

    Args:
        batches: of `data.table_columns.RAW_SCHEMA`, label sets in canonical text.
        separator: stands between several labels of one row; empty: one label per row.

    Raises:
        InputError: after the last batch, with the names and how many rows have each.
    """
    found: Counter[str] = Counter()
    for batch in batches:
        found.update(_offending(batch.column(LABEL), separator))
        if len(found) > MOST_NAMES:
            break
        yield batch
    if found:
        shown = ", ".join(f"{name!r} in {rows} row{'s' * (rows > 1)}" for name, rows in sorted(found.items())[:SHOWN])
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise InputError(
            f"labels hold control characters: {shown}{more}; mend those rows, or pass another --label-column"
        )


def _offending(cells: pa.Array, separator: str) -> Counter[str]:
    """Count the rows of each name with a control character; white space around names belongs to none."""
    trimmed = pc.utf8_trim_whitespace(cells)
    suspects = trimmed.filter(pc.match_substring_regex(trimmed, r"\p{Cc}"))
    found: Counter[str] = Counter()
    for cell in pc.value_counts(suspects).to_pylist():
        for name in names_of(cell["values"], separator):
            if any(unicodedata.category(character) == "Cc" for character in name):
                found[name] += cell["counts"]
    return found
