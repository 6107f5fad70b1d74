"""A text before and after, as short as a table wants it."""

from itertools import zip_longest

from potstill.validate.robustness.slips import INVISIBLE

WIDTH = 60  # characters that are shown at most
LEAD = 20  # of them before the first difference
NAMED = str.maketrans({character: f"<U+{ord(character):04X}>" for character in INVISIBLE})


def example_of(before: str, after: str) -> tuple[str, str]:
    """Cut two texts around their first difference, and name what could not be seen: `快<U+200B>讯`.

    Returns: the same stretch of both, at most WIDTH characters and a name longer, with … where text is left out.
    """
    pairs = enumerate(zip_longest(before, after))
    first = next((place for place, (one, other) in pairs if one != other), 0)
    start = 0 if first < WIDTH - LEAD else first - LEAD
    return _cut(before, start), _cut(after, start)


def _cut(text: str, start: int) -> str:
    room = WIDTH - 2
    end = len(text) if len(text) - start <= room else start + room
    return "…" * (start > 0) + text[start:end].translate(NAMED) + "…" * (end < len(text))
