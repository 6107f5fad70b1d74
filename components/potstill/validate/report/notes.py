"""What the table of models needs saying below it, in the words of its own columns."""

from collections.abc import Mapping
from typing import Any

from potstill.measure import table

OTHERS = ("lost ≤", "= teacher")  # columns of the tables in text, which have other names here
AT_MOST = (
    "At most: the exact one-sided 95 % bound of the points lost. Below lost: the paired bootstrap's 95 % interval."
)
SAME = (
    "Same label as teacher, as PyTorch: share of rows. An export is compared with the float PyTorch model that it was "
    "made from, QDQ with Quantized, and Quantized with its own float weights."
)


def notes(figures: Mapping[str, Any]) -> list[str]:
    """Return the notes of `measure.table`, those of renamed columns in the page's words."""
    found = table.notes(figures)
    kept = [note for note in found if not note.startswith(OTHERS)]
    said = {
        note: one
        for note in found
        for start, one in zip(OTHERS, (AT_MOST, SAME), strict=True)
        if note.startswith(start)
    }
    return [*kept, *said.values()]
