"""Words that others chose — labels, texts, devices — as plain words in Markdown."""

import re
from collections.abc import Iterable, Sequence

from potstill import markdown

SPECIAL = re.compile(r"([\\`*\[\]|~@$]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.)", re.IGNORECASE)
FIRST = re.compile(r"^(\s*)([-+>=#]|\d+(?=[.)]))")  # what would begin a list, a quotation or a heading
CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")  # and what turns the line round


def plain(text: object) -> str:
    """Escape what Markdown or HTML would read as markup; line breaks and control characters become spaces."""
    return FIRST.sub(_escape_first, _inline(text))


def _inline(text: object) -> str:
    """Escape what is markup anywhere in a line; nothing at all is said so."""
    flat = CONTROL.sub(" ", str(text)).replace("&", "&amp;").replace("<", "&lt;")
    return SPECIAL.sub(r"\\\1", flat) if flat.strip() else "(empty)"


def _escape_first(found: re.Match[str]) -> str:
    space, mark = found.groups()
    return f"{space}&#{ord(mark[0])};{mark[1:]}"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Lay out a table whose cells are plain words; nothing in a cell begins a list."""
    return markdown.table(header, [[_inline(cell) for cell in row] for row in rows])
