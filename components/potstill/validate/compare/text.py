"""A comparison as a person reads it in a terminal."""

from collections.abc import Iterator

from potstill.validate.compare.comparison import Comparison
from potstill.validate.compare.conclusion import conclusion
from potstill.validate.compare.reading import Report
from potstill.validate.compare.tables import tables
from potstill.validate.compare.widths import aligned


def told(first: Report, second: Report, found: Comparison) -> Iterator[str]:
    """Write the comparison, line by line."""
    yield f"A  {first.given}  {first.artifact.digest[:12]}"
    yield f"B  {second.given}  {second.artifact.digest[:12]}"
    yield from ("", *conclusion(found))
    for table in tables(found):
        yield from ("", table.title, *(f"  {line}" for line in aligned([table.head, *table.rows], table.words)))
    if found.notes:
        yield from ("", "notes", *(f"  {note}" for note in found.notes))
