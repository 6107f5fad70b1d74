"""Texts of others in a line of ours: what would end or blur the line is written as Python writes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from unicodedata import category

from potstill.errors import PotstillError

UNPRINTED = ("Cc", "Cs", "Zl", "Zp")  # control characters, halves of a character, ends of lines and paragraphs


def one_line(text: str) -> str:
    """Escape what is not printed; all else stays as it is."""
    return "".join(_escaped(each) if category(each) in UNPRINTED else each for each in text)


@contextmanager
def refused_in_one_line() -> Iterator[None]:
    """Let what is refused here be said in one line, whatever names it holds."""
    try:
        yield
    except PotstillError as refused:
        raise type(refused)(one_line(str(refused))) from refused


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
