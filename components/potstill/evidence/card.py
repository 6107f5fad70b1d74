"""The first words of a release's card: licence, then override, before anything that praises the model."""

from potstill.evidence.index import Index

RULE = "---\n"
USES = {
    "research-only": "RESEARCH ONLY: an ancestor of these models allows no other use.",
    "undeclared": "LICENCE UNDECLARED: nobody has said under which terms an ancestor of these models may be used.",
    "open": "These models may be used under the terms of all their ancestors.",
}
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


def with_banner(card: str, index: Index) -> str:
    """Put the banner first into a card: behind the YAML block that model hubs read, where there is one."""
    front, body = split_front(card)
    return f"{front}\n{banner(index)}\n{body.lstrip()}" if front else f"{banner(index)}\n{body}"


def carries_banner(text: str, index: Index) -> bool:
    """Tell whether a card begins with the release's banner."""
    return split_front(text)[1].lstrip("\n").startswith(banner(index))


def split_front(card: str) -> tuple[str, str]:
    """Part the YAML block that a card may begin with from its Markdown."""
    if not card.startswith(RULE):
        return "", card
    end = card.find(f"\n{RULE}", len(RULE) - 1)
    return ("", card) if end < 0 else (card[: end + 1 + len(RULE)], card[end + 1 + len(RULE) :])


def _plain(text: str) -> str:
    """Escape what Markdown or HTML would read as markup, and what would end or turn the line."""
    printed = "".join(each if each.isprintable() else " " for each in text)
    escaped = "".join(f"\\{each}" if each in SPECIAL else each for each in printed)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace("://", "\\://").replace("www.", "www\\.")
