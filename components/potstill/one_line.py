"""Texts of others in a line of ours: what would end, turn or blur the line is written as Python writes it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from unicodedata import category

from potstill.errors import PotstillError

# Control characters; format characters, unseen or turning the writing round; halves of a character; ends of lines and
# of paragraphs.
UNPRINTED = ("Cc", "Cf", "Cs", "Zl", "Zp")
PICTURE = "[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]"  # emoji, the colours of their skin among them
JOINED = re.compile(f"(?<={PICTURE})(\ufe0f?\u200d)(?={PICTURE})")  # 👩 and 🚀 as one: no other text needs the joiner


def one_line(text: str) -> str:
    """Escape what is not printed; all else stays as it is, and so do emoji of several parts."""
    parts = JOINED.split(text)
    return "".join(part if place % 2 else _printed(part) for place, part in enumerate(parts))


@contextmanager
def refused_in_one_line() -> Iterator[None]:
    """Let what is refused here be said in one line, whatever names it holds."""
    try:
        yield
    except PotstillError as refused:
        raise type(refused)(one_line(str(refused))) from refused


def _printed(text: str) -> str:
    return "".join(_escaped(each) if category(each) in UNPRINTED else each for each in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
