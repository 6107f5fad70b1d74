"""What fingers, copying and transmission do to a text in any script."""

from random import Random

from potstill.validate.robustness.places import characters, draw, draw_places, is_visible

VERY_LONG = 2000  # characters: four times what BERT reads
# Often written in news and in comments; one has a variation selector, one a skin tone, and one is a flag, which are
# several code points each.
EMOJI = ("😂", "😭", "😍", "🤣", "😊", "🙏", "❤️", "👍🏻", "🔥", "🎉", "💪", "👏", "😡", "🤔", "✅", "📈", "🇨🇳")
# Zero-width space, word joiner, byte-order mark, soft hyphen: what web pages and PDFs leave between characters.
INVISIBLE = ("\u200b", "\u2060", "\ufeff", "\u00ad")


def dropped(text: str, dice: Random) -> str:
    """Leave out characters, never the last one that can be seen: `人民银行` → `人民行`."""
    parts = characters(text)
    seen = _visible(parts)
    places = draw_places(seen, len(parts), dice) if len(seen) > 1 else set()
    return "".join(part for place, part in enumerate(parts) if place not in places)


def repeated(text: str, dice: Random) -> str:
    """Write characters twice: `人民银行` → `人民民银行`."""
    parts = characters(text)
    places = draw_places(_visible(parts), len(parts), dice)
    return "".join(part * 2 if place in places else part for place, part in enumerate(parts))


def with_emoji(text: str, dice: Random) -> str:
    """Put emoji behind characters: `股市大涨` → `股市大📈涨`."""
    return _inserted(text, EMOJI, dice)


def with_space(text: str, dice: Random) -> str:
    """Put spaces between characters, as line breaks and reading by machine leave them: `股市大涨` → `股市 大涨`."""
    return _inserted(text, (" ",), dice)


def with_invisible(text: str, dice: Random) -> str:
    """Put characters without width behind others: the text looks the same, and compares unequal."""
    return _inserted(text, INVISIBLE, dice)


def first_half(text: str) -> str:
    """Keep the first half of the characters, the odd one included: `股市大涨` → `股市`."""
    parts = characters(text)
    kept = "".join(parts[: (len(parts) + 1) // 2])
    return kept if is_visible(kept) else text


def very_long(text: str) -> str:
    """Write the text again and again until it has VERY_LONG characters; one that is as long already stays."""
    copies = -(-VERY_LONG // (len(text) + 1))
    return text if len(text) >= VERY_LONG else " ".join([text] * max(2, copies))


def _inserted(text: str, choices: tuple[str, ...], dice: Random) -> str:
    parts = characters(text)
    for place in sorted(draw_places(_visible(parts), len(parts), dice)):
        parts[place] += draw(choices, dice)
    return "".join(parts)


def _visible(parts: list[str]) -> list[int]:
    return [place for place, part in enumerate(parts) if is_visible(part)]
