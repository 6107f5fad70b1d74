"""Licences travel with the bytes: an artifact is as restricted as its most restricted ancestor."""

from collections.abc import Iterable
from dataclasses import dataclass

USES = ("open", "undeclared", "research-only")  # from the freest to the strictest


@dataclass(frozen=True)
class Licence:
    """What may be done with an artifact.

    Attributes:
        expression: SPDX licence expression; `LicenseRef-…` for terms that SPDX does not list.
        use: "open", "undeclared" (nobody said) or "research-only".
    """

    expression: str
    use: str


UNDECLARED = Licence("LicenseRef-undeclared", "undeclared")


def strictest(licences: Iterable[Licence]) -> Licence:
    """Join the licences of several ancestors: all terms hold, and the strictest use rules."""
    every = list(licences)
    terms = sorted({term for each in every for term in each.expression.split(" AND ")})
    return Licence(" AND ".join(terms), max((each.use for each in every), key=USES.index))
