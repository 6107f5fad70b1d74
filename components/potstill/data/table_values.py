"""Cells as text: what a text and a label may be in a file, and how each becomes a string."""

import pyarrow as pa
import pyarrow.compute as pc

from potstill.data.table_columns import RAW_SCHEMA, Columns
from potstill.errors import InputError


def as_text(file: object, batch: pa.RecordBatch, columns: Columns) -> pa.RecordBatch:
    """Bring a batch to RAW_SCHEMA: texts must be text, labels may be text, numbers or truth values.

    Args:
        file: the table, as the message shall call it.
        batch: with the wanted columns, of any type.
        columns: which is which.

    Raises:
        InputError: texts of another type, nested or infinite labels.
    """
    text = batch.column(columns.text)
    if not is_text(text.type):
        raise InputError(
            f"{file}: text column {columns.text!r} holds {text.type}, not text; pass another --text-column"
        )
    label = _labels(file, batch, columns.label) if columns.label else pa.nulls(len(batch), pa.string())
    return pa.record_batch([text.cast(pa.string()), label.cast(pa.string())], schema=RAW_SCHEMA)


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a column of this type holds text, plain or as a dictionary."""
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value))


def _labels(file: object, batch: pa.RecordBatch, name: str) -> pa.Array:
    label = batch.column(name)
    if pa.types.is_dictionary(label.type):
        label = label.dictionary_decode()
    if pa.types.is_nested(label.type):
        raise InputError(
            f"{file}: label column {name!r} holds {label.type}; wanted is one label a row, "
            "or several in one text that --label-separator separates"
        )
    return _finite(file, label, name) if pa.types.is_floating(label.type) else label


def _finite(file: object, label: pa.Array, name: str) -> pa.Array:
    """Take NaN for a missing label: pandas has no other for a column of numbers; infinity names nothing."""
    wide = label.cast(pa.float64())
    if pc.any(pc.is_inf(wide)).as_py():
        raise InputError(
            f"{file}: label column {name!r} holds inf; wanted are names or finite numbers: "
            "mend those rows, or pass another --label-column"
        )
    return pc.if_else(pc.is_nan(wide), pa.scalar(None, label.type), label)
