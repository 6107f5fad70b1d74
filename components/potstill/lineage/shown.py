"""Texts of others in a picture or a line of ours: what would hide, turn or break the text around it is written out."""

from html import escape
from unicodedata import category, east_asian_width

from potstill.one_line import one_line

UNNAMED = "Cn"  # code points that are no characters; XML has none of them
WIDE = ("W", "F")
UNPROVED = "This is what the release says of itself. Nothing of it is proved here; potstill verify proves it."


def shown(text: object) -> str:
    """Return a text in one line, with every control character and every mark that turns the writing written out."""
    return "".join(_written(each) for each in one_line(str(text)))


def markup(text: object) -> str:
    """Return a text for XML or HTML, as content or as an attribute."""
    return escape(shown(text), quote=True)


def width(text: str) -> int:
    """Return how many columns a text takes, where Chinese characters take two."""
    return sum(2 if east_asian_width(each) in WIDE else 1 for each in text)


def cut(text: str, columns: int) -> str:
    """Return a text that takes at most so many columns; what is cut off is told by an ellipsis."""
    if width(text) <= columns:
        return text
    kept = ""
    for each in text:
        if width(kept + each) > columns - 1:
            break
        kept += each
    return f"{kept.rstrip()}…"


def padded(text: str, columns: int) -> str:
    """Return a text filled up with spaces to so many columns."""
    return text + " " * max(0, columns - width(text))


def _written(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii") if category(character) == UNNAMED else character
