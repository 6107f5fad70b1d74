"""Several labels in one cell: 体育|财经 is a set of two, the separator alone the empty set; a blank cell says nothing.

Two cells that name the same labels are the same, however they are ordered and spaced; so a cell is brought to one
canonical text first, and whatever compares labels afterwards compares texts.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from potstill.data.table_columns import LABEL


def names_of(cell: str, separator: str) -> list[str]:
    """Return the label names in a cell: sorted, each once, without the white space around them.

    Args:
        cell: for instance "财经| 体育"; the separator alone names no label.
        separator: what stands between names; empty: the whole cell is one name.
    """
    parts = cell.split(separator) if separator else [cell]
    return sorted({part.strip() for part in parts} - {""})


def with_label_sets(batches: Iterable[pa.RecordBatch], separator: str) -> Iterator[pa.RecordBatch]:
    """Bring every label cell to its canonical text: the sorted names, or the separator alone where there is none.

    Args:
        batches: of `data.table_columns.RAW_SCHEMA`; null and blank cells stay so: nobody labelled the row.
        separator: what stands between names; empty: nothing is changed.
    """

    def canonical(cell: str) -> str:
        return (separator.join(names_of(cell, separator)) or separator) if cell.strip() else ""

    for batch in batches:
        yield batch.set_column(1, LABEL, _each(batch.column(LABEL), canonical, pa.string())) if separator else batch


def label_numbers(cells: pa.ChunkedArray, separator: str, labels: Sequence[str]) -> pa.ListArray:
    """Return the label numbers of each cell, ascending: list<int32>, null where the cell is.

    Args:
        cells: canonical texts.
        separator: what stands between names.
        labels: label names by number; they hold every name of the cells.
    """
    numbers = {name: number for number, name in enumerate(labels)}

    def numbered(cell: str) -> list[int]:
        return sorted(numbers[name] for name in names_of(cell, separator))

    return _each(cells.combine_chunks(), numbered, pa.list_(pa.int32()))


def _each(cells: pa.Array, change: Callable[[str], Any], kind: pa.DataType) -> pa.Array:
    """Change every distinct text once; nulls stay."""
    encoded = cells.dictionary_encode()
    changed = pa.array([change(cell) for cell in encoded.dictionary.to_pylist()], kind)
    return changed.take(encoded.indices)
