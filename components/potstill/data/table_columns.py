"""Which columns of a raw table are read, and whether a file has each of them exactly once."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from potstill.errors import InputError

TEXT, LABEL = "text", "label"
RAW_SCHEMA = pa.schema([pa.field(TEXT, pa.string()), pa.field(LABEL, pa.string())])


@dataclass(frozen=True)
class Columns:
    """Which columns of a table are read.

    Attributes:
        text: the column of texts.
        label: the column of labels, another than that of the texts; "" for a table without labels.
        names: the names of all columns of a CSV or TSV file without a header; empty where the header names them.
    """

    text: str
    label: str = ""
    names: tuple[str, ...] = ()

    @property
    def wanted(self) -> list[str]:
        """The columns to read."""
        return [self.text, self.label] if self.label else [self.text]


def check_columns(file: object, present: Sequence[str], columns: Columns, headerless: bool) -> None:
    """Prove that a file has each wanted column exactly once.

    Args:
        file: the table, as the message shall call it.
        present: names of its columns, in their order.
        columns: what is wanted.
        headerless: whether a file of its format may lack a header.

    Raises:
        InputError: a wanted column is missing, or several columns have its name.
    """
    for role, name in ((TEXT, columns.text), (LABEL, columns.label)):
        if name and name not in present:
            raise InputError(_missing(file, present, columns, role, headerless))
        if present.count(name) > 1:
            raise InputError(
                f"{file}: {role} column {name!r} stands {present.count(name)} times; columns are: {_listed(present)}. "
                "Rename all but one of them"
            )


def _missing(file: object, present: Sequence[str], columns: Columns, role: str, headerless: bool) -> str:
    name = columns.text if role == TEXT else columns.label
    others = [each for each in present if each not in columns.wanted]
    ways = [f"--{role}-column {other}" for other in others[:1]]
    ways += ['--label-column "" when there are no labels'] if role == LABEL else []
    ways += ["--columns for a file without a header"] if headerless else []
    way = f". Pass {', or '.join(ways)}" if ways else "; name it in the table"
    return f"{file}: {role} column {name!r} is missing; columns are: {_listed(present)}{way}"


def _listed(names: Sequence[str]) -> str:
    shown = [name if len(name) <= 40 else f"{name[:40]}…" for name in names[:20]]
    return ", ".join(shown) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
