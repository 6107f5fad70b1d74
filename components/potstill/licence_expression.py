"""Licence expressions of SPDX: read strictly, and taken apart into the terms that must all hold.

AND binds tighter than OR: `GPL-3.0-only AND MIT OR Apache-2.0` leaves the choice of Apache-2.0 alone. So expressions
are joined by their terms, and never as text.

Source: SPDX 2.3, annex D. Whether an identifier is on SPDX's list is not asked.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

AND, OR, WITH = "AND", "OR", "WITH"
OPERATORS = {spelled: each for each in (AND, OR, WITH) for spelled in (each, each.lower())}
LONGEST = 10_000  # characters: some five hundred licences
SHOWN = 60  # characters of a wrong word that a message repeats
DEEPEST = 50  # brackets within brackets
_ID = r"[A-Za-z0-9.-]+"
_WORD = re.compile(rf"(?:DocumentRef-{_ID}:)?LicenseRef-{_ID}|(?!LicenseRef-){_ID}\+?")
_EXCEPTION = re.compile(_ID)
_TOKENS = re.compile(r"[()]|[^ ()]+")


@dataclass(frozen=True)
class Expression:
    """One licence, or several under one operator.

    Attributes:
        operator: AND or OR; empty for one licence.
        parts: what it joins, each in its canonical form; two at least, where there is an operator.
    """

    operator: str
    parts: frozenset[str]

    def __str__(self) -> str:
        """The canonical form: sorted, no part twice, brackets around every operator within another."""
        return f" {self.operator} ".join(sorted(self.parts))

    @property
    def as_part(self) -> str:
        """The form that it has within another expression."""
        return f"({self})" if self.operator else str(self)

    @property
    def terms(self) -> frozenset[str]:
        """What must all hold, each in the form that it has within another expression."""
        return self.parts if self.operator == AND else frozenset({self.as_part})


def joined(terms: Iterable[str]) -> str:
    """Write the one expression that holds where all these terms do; terms: canonical, one at least."""
    return str(_combined(AND, [read_expression(each) for each in terms]))


@lru_cache(maxsize=1024)
def read_expression(text: str) -> Expression:
    """Read a licence expression.

    Raises:
        ValueError: what it is instead, in words that a line can end with.
    """
    _refuse_vast(text)
    found = _Reader(_TOKENS.findall(text)).whole()
    _refuse_vast(found.as_part)  # so that what is written can be read again
    return found


def _refuse_vast(text: str) -> None:
    if len(text) > LONGEST:
        raise ValueError(f"it has {len(text)} characters, of which {LONGEST} are read")
    if max(accumulate((each == "(") - (each == ")") for each in text), default=0) > DEEPEST:
        raise ValueError(f"brackets lie more than {DEEPEST} deep")


class _Reader:
    """Reads the tokens of an expression, from left to right."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.place = 0

    def whole(self) -> Expression:
        found = self._any_of()
        if self._next == ")":
            raise ValueError("a bracket is closed that was not opened")
        if self._next:
            raise ValueError(f"{self._next[:SHOWN]!r} follows where AND, OR or the end is wanted")
        return found

    def _any_of(self) -> Expression:
        found = [self._all_of()]
        while self._took(OR):
            found.append(self._all_of())
        return _combined(OR, found)

    def _all_of(self) -> Expression:
        found = [self._operand()]
        while self._took(AND):
            found.append(self._operand())
        return _combined(AND, found)

    def _operand(self) -> Expression:
        if self._next == "(":
            return self._bracketed()
        licence = self._word("a licence", _WORD)
        if self._took(WITH):
            licence = f"{licence} {WITH} {self._word('an exception', _EXCEPTION)}"
        return Expression("", frozenset({licence}))

    def _bracketed(self) -> Expression:
        self.place += 1
        found = self._any_of()
        if self._next and self._next != ")":
            raise ValueError(f"{self._next[:SHOWN]!r} follows where AND, OR or a closing bracket is wanted")
        if not self._next:
            raise ValueError("a bracket is not closed")
        self.place += 1
        return found

    def _word(self, wanted: str, pattern: re.Pattern[str]) -> str:
        word = self._next
        if not word or word in OPERATORS or word in "()":
            raise ValueError(f"{wanted} is missing {f'before {word}' if word else 'at its end'}")
        if not pattern.fullmatch(word):
            raise ValueError(f"{word[:SHOWN]!r} is not {wanted}")
        self.place += 1
        return word

    def _took(self, operator: str) -> bool:
        """Step over an operator, where it is the next token."""
        here = OPERATORS.get(self._next) == operator
        self.place += here
        return here

    @property
    def _next(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""


def _combined(operator: str, found: list[Expression]) -> Expression:
    parts = frozenset(part for each in found for part in (each.parts if each.operator == operator else (each.as_part,)))
    return Expression(operator, parts) if len(parts) > 1 else found[0]
