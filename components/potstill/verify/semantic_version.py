"""Which of two versions is the older one.

Source: Semantic Versioning 2.0.0, items 9 to 11 and the regular expression that it suggests.
"""

import re
from functools import total_ordering

from potstill.errors import OptionError

FORM = re.compile(
    r"(?P<core>(?:0|[1-9]\d{0,15})(?:\.(?:0|[1-9]\d{0,15})){2})"
    r"(?:-(?P<before>(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?",
    re.ASCII,
)


@total_ordering
class SemanticVersion:
    """A version by its precedence: what was built from it (`+…`) does not count."""

    def __init__(self, text: str) -> None:
        """Read a version.

        Raises:
            OptionError: it is none.
        """
        found = FORM.fullmatch(text) if len(text) <= 256 else None
        if not found:
            raise OptionError(f"{text!r} is no semantic version; wanted is 1.4.0, 1.4.0-rc.1 or 1.4.0+build")
        self.core = tuple(int(each) for each in found["core"].split("."))
        self.before = tuple(found["before"].split(".")) if found["before"] else ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SemanticVersion) and (self.core, self.before) == (other.core, other.before)

    def __lt__(self, other: "SemanticVersion") -> bool:
        return self._rank() < other._rank()

    def __hash__(self) -> int:
        return hash((self.core, self.before))

    def _rank(self) -> tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]:
        """A release follows its own candidates; numbers come before words, and fewer parts before more."""
        return self.core, not self.before, tuple(_part(each) for each in self.before)


def _part(text: str) -> tuple[bool, int, str]:
    """Rank one part of a candidate's name; numbers by length and digits, so that no length of them is too long."""
    return (False, len(text), text) if text.isdigit() else (True, 0, text)
