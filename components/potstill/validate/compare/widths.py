"""Columns that stand straight in a terminal, where a Chinese character is two columns wide."""

import unicodedata
from collections.abc import Iterable, Sequence


def width(text: str) -> int:
    """Columns that a text takes; a combining mark takes none."""
    return sum(_columns(each) for each in text)


def aligned(rows: Iterable[Sequence[str]], words: Sequence[int] = (0,)) -> list[str]:
    """Lay rows of cells out in columns: those of words to the left, numbers to the right."""
    cells = [list(row) for row in rows]
    widths = [max(width(each) for each in column) for column in zip(*cells, strict=True)]
    return ["  ".join(_cells(row, widths, words)).rstrip() for row in cells]


def _cells(row: Sequence[str], widths: Sequence[int], words: Sequence[int]) -> list[str]:
    gaps = [" " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)]
    return [
        cell + gap if place in words else gap + cell for place, (cell, gap) in enumerate(zip(row, gaps, strict=True))
    ]


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
