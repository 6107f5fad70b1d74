"""The YAML block that model hubs read: plain lines alone, and the licence written from the index.

A hub shows this licence beside the model's name; what a person reads further down would come too late.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from potstill.errors import InputError
from potstill.evidence.shape import shown
from potstill.licences import Licence

RULE: Final = "---\n"
OTHER: Final = "other"
OURS: Final = ("license", "license_name", "license_link")
# SPDX → the hub's own identifiers, as validate's card has them. Imports no longer take -NC- as open; older bundles may.
HUB_LICENCES: Final[Mapping[str, str]] = {
    "Apache-2.0": "apache-2.0",
    "BSD-2-Clause": "bsd-2-clause",
    "BSD-3-Clause": "bsd-3-clause",
    "CC-BY-4.0": "cc-by-4.0",
    "CC-BY-NC-4.0": "cc-by-nc-4.0",
    "CC-BY-NC-SA-4.0": "cc-by-nc-sa-4.0",
    "CC-BY-SA-4.0": "cc-by-sa-4.0",
    "CC0-1.0": "cc0-1.0",
    "GPL-3.0-only": "gpl-3.0",
    "GPL-3.0-or-later": "gpl-3.0",
    "MIT": "mit",
    "MPL-2.0": "mpl-2.0",
    "Unlicense": "unlicense",
}
_KEY = r"[A-Za-z_][A-Za-z0-9_-]*"
_FIRST = r"(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`]|-[0-9.])"  # with any other, YAML reads more than a plain text
_PLAIN = rf"{_FIRST}(?:(?!: | #).)*(?<![:\s])"
_VALUE = rf"(?:'[^']*'|\"[^\"\\]*\"|{_PLAIN})"
LINE: Final = re.compile(rf" *(?:- )*(?:{_KEY}:(?: {_VALUE})?|- {_VALUE})")
TOP: Final = re.compile(rf"({_KEY}):.*")


def split_front(card: str) -> tuple[str, str]:
    """Part the YAML block that a card may begin with from its Markdown."""
    if not card.startswith(RULE):
        return "", card
    end = card.find(f"\n{RULE}", len(RULE) - 1)
    return ("", card) if end < 0 else (card[: end + 1 + len(RULE)], card[end + 1 + len(RULE) :])


def licensed(front: str, licence: Licence) -> str:
    """Write the licence into a card's YAML block, whatever stood there.

    Args:
        front: the block with its two rules; empty where the card has none, and then nothing is written.
        licence: of the release.

    Raises:
        InputError: a line that is no plain `key: value` or item of a list, or a key twice: a hub might read more in
            it than is seen here.
    """
    if not front:
        return ""
    lines = front.removeprefix(RULE).removesuffix(RULE).split("\n")[:-1]  # other ends of lines are refused below
    _refuse_strange(lines)
    return "".join((RULE, *_licence_lines(licence), *(f"{each}\n" for each in _without_licence(lines)), RULE))


def hub_licence(licence: Licence) -> str:
    """The hub's identifier where it says as much as the licence does; else `other`."""
    return HUB_LICENCES.get(licence.expression, OTHER) if licence.use == "open" else OTHER


def _licence_lines(licence: Licence) -> Iterator[str]:
    yield f"license: {hub_licence(licence)}\n"
    if hub_licence(licence) == OTHER:
        name = re.sub(r"[^a-z0-9.]+", "-", licence.expression.lower()).strip("-")
        yield f"license_name: '{name}'\n"


def _without_licence(lines: list[str]) -> Iterator[str]:
    """Leave out our keys, with the lines below each that belong to it."""
    ours = False
    for line in lines:
        top = TOP.fullmatch(line)
        ours = top[1] in OURS if top else ours
        if not ours:
            yield line


def _refuse_strange(lines: list[str]) -> None:
    strange = next((each for each in lines if not each.isprintable() or not LINE.fullmatch(each)), None)
    if strange is not None:
        raise InputError(
            f"the card's front matter holds {shown(strange)}; wanted are plain lines `key: value` and `- item` alone, "
            "as validate writes them"
        )
    keys = [top[1] for each in lines if (top := TOP.fullmatch(each))]
    twice = sorted({each for each in keys if keys.count(each) > 1})
    if twice:
        raise InputError(f"the card's front matter has {', '.join(twice)} more than once; pass the card of validate")
