"""Licences travel with the bytes: an artifact is as restricted as its most restricted ancestor."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from potstill.errors import OptionError
from potstill.licence_expression import AND, joined, read_expression
from potstill.one_line import one_line

USES = ("open", "undeclared", "research-only")  # from the freest to the strictest
SHOWN = 100  # characters of a wrong expression that a message repeats
# CC-BY-NC-SA-4.0 or PolyForm-Noncommercial-1.0.0; what a name of one's own means, nobody knows here.
NON_COMMERCIAL = re.compile(r"(?!LicenseRef-|DocumentRef-).*-(?:NC|Noncommercial)-.*", re.IGNORECASE)


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
    """Join the licences of several ancestors: all terms hold, and the strictest use rules.

    Raises:
        ValueError: a text that is no licence expression.
    """
    every = list(licences)
    terms = frozenset(term for each in every for term in terms_of(each))
    return Licence(joined(terms), max((each.use for each in every), key=USES.index))


def terms_of(licence: Licence) -> frozenset[str]:
    """The terms of a licence, all of which hold.

    Raises:
        ValueError: a text that is no licence expression.
    """
    return read_expression(check_expression(licence.expression)).terms


def check_expression(text: str, name: str = "licence") -> str:
    """Return a licence expression as it is.

    Args:
        text: the expression.
        name: how messages call it.

    Raises:
        ValueError: it is none; one line says why.
    """
    try:
        read_expression(text)
    except ValueError as wrong:
        said = one_line(f"{text[:SHOWN]!r}: {wrong}")
        raise ValueError(
            f"{name} must be an SPDX expression such as MIT, Apache-2.0 OR MIT, or LicenseRef-…, got {said}"
        ) from None
    return text


def declared(expression: str, use: str, known: Licence) -> Licence:
    """Give what is imported the licence that somebody declared for it.

    Args:
        expression: as declared; empty: the known one.
        use: as declared; empty: the known one.
        known: what is known about the source, without anybody's word.

    Raises:
        OptionError: a use that the terms themselves do not allow.
    """
    licence = Licence(expression or known.expression, use or known.use)
    forbidding = sorted(term for term in terms_of(licence) if _forbids_trade(term))
    if licence.use == "open" and forbidding:
        raise OptionError(
            f"use must not be open where the licence asks for {' and '.join(forbidding)}, which forbids commercial "
            "use; pass research-only"
        )
    return licence


def _forbids_trade(term: str) -> bool:
    """Tell it of a licence by its name; a choice forbids it where every alternative does."""
    found = read_expression(term)
    if not found.operator:
        return bool(NON_COMMERCIAL.fullmatch(term))
    every = [_forbids_trade(each) for each in found.parts]
    return any(every) if found.operator == AND else all(every)
