"""The first words of a release's card: licence, then override, before anything that praises the model."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from potstill.errors import InputError
from potstill.evidence.front_matter import licensed, split_front
from potstill.evidence.index import Index
from potstill.evidence.layout import FORMATS
from potstill.evidence.limits import asked_for
from potstill.licences import Licence, terms_of

USES = {
    "research-only": "RESEARCH ONLY: an ancestor of these models allows no other use.",
    "undeclared": "LICENCE UNDECLARED: nobody has said under which terms an ancestor of these models may be used.",
    "open": "These models may be used under the terms of all their ancestors.",
}
# What validate's card itself begins with: the banner says the same, of every ancestor, and before it.
SAID = re.compile(rf"\*\*{re.escape(USES['research-only'].removesuffix('.'))} \(([^\n]*)\)\.\*\*(?:\n+|\Z)")
SPECIAL = "\\`*_[]|~$#"
MARK = "<!-- the release's own words end here -->\n"


def banner(index: Index) -> str:
    """What a release says first on its card: its licence; then, where there is one, the override with its reason."""
    lines = [f"**{USES[index.licence.use]} Licence: {_plain(index.licence.expression)}.**"]
    if index.override:
        lines.append(
            f"**OVERRIDE: the verdict is {index.verdict}, and this is released all the same. "
            f"Reason given: {_plain(index.override)}**"
        )
    lines.append(f"Release {_plain(index.name)} {_plain(index.version)}, verdict {index.verdict}.")
    return "\n\n".join(lines) + f"\n\n{MARK}"


def limits_line(limits: Mapping[str, Any]) -> str:
    """Under which limits the verdict is what it is: who released the model chose them."""
    asked = [f"{_plain(name)} {_plain(_number(each))}" for name, each in sorted(asked_for(limits).items())]
    return f"Judged under the limits that the releaser chose: {', '.join(asked) or 'none'}.\n\n"


def places_line(index: Index) -> str:
    """Where the models lie: the code on the card opens them by their names alone."""
    folders = " and ".join(sorted(each for each in index.ships if each in FORMATS.values()))
    return f"The models lie in {folders}; run the code below in the folder of its model.\n\n" if folders else ""


def with_banner(card: str, index: Index, limits: Mapping[str, Any]) -> str:
    """Put the banner first into a card: behind the YAML block that model hubs read, which gets the index's licence.

    Args:
        card: as validate wrote it.
        index: of the release.
        limits: that the verdict judged by; null is none.

    Raises:
        InputError: a YAML block that is more than plain lines.
    """
    front, body = split_front(card)
    body = _without_the_same(body, index)
    first = f"{banner(index)}\n{limits_line(limits)}{places_line(index)}"
    return f"{licensed(front, index.licence)}\n{first}{body.lstrip()}" if front else f"{first}{body}"


def carries_banner(text: str, index: Index) -> bool:
    """Tell whether a card begins with the release's banner, and tells hubs the release's licence."""
    front, body = split_front(text)
    try:
        told = licensed(front, index.licence)
    except InputError:
        return False  # a block in which a hub might read anything is not that of this release
    return front == told and body.lstrip("\n").startswith(banner(index))


def tells_limits(text: str, index: Index, limits: Mapping[str, Any]) -> bool:
    """Tell whether the limits of the verdict follow the banner."""
    return split_front(text)[1].lstrip("\n").startswith(f"{banner(index)}\n{limits_line(limits)}")


def _without_the_same(body: str, index: Index) -> str:
    """Leave out the restriction that a card begins with, where the banner says it of the same terms."""
    said = SAID.match(body.lstrip())
    if said is None or index.licence.use != "research-only":
        return body
    return body.lstrip()[said.end() :] if _holds(said[1].replace("\\", ""), index.licence) else body


def _holds(expression: str, licence: Licence) -> bool:
    """Tell whether a licence has all these terms; a text that is no expression says what no licence does."""
    try:
        return terms_of(replace(licence, expression=expression)) <= terms_of(licence)
    except ValueError:
        return False


def _number(limit: Any) -> str:
    return "yes" if limit is True else f"{limit:g}" if isinstance(limit, int | float) else str(limit)


def _plain(text: str) -> str:
    """Escape what Markdown or HTML would read as markup, and what would end or turn the line."""
    printed = "".join(each if each.isprintable() else " " for each in text)
    escaped = "".join(f"\\{each}" if each in SPECIAL else each for each in printed)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace("://", "\\://").replace("www.", "www\\.")
