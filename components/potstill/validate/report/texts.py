"""What data brings, as people can see it: nothing invisible, nothing without end, in its language."""

import re
import unicodedata

FILTERS = ("visible", "shortened", "language")
EMPTY = "⟨empty⟩"
LONG = 300  # characters of a text; the whole can be unfolded
JOINS = "\u200d"  # within an emoji
KANA, HANGUL, HAN = (
    re.compile(each) for each in (r"[\u3040-\u30ff]", r"[\uac00-\ud7af]", r"[\u3400-\u9fff\uf900-\ufaff]")
)


def visible(text: object) -> str:
    """Name what could not be seen: `快<U+200B>讯`, and nothing at all as `⟨empty⟩`."""
    written = str(text)
    if not written.strip():
        return EMPTY
    joined = any(unicodedata.category(each) == "So" for each in written)
    return "".join(_named(each, joined=joined) for each in written)


def shortened(text: object) -> str:
    """The beginning of a text that is long, with … where it goes on; `visible` comes first."""
    written = str(text)
    return written if len(written) <= LONG else written[:LONG].rstrip() + "…"


def language(text: object) -> str:
    """Return the language to read a text aloud in: `zh`, `ja`, `ko`, or nothing where none is sure."""
    written = str(text)
    found = {"ja": KANA, "ko": HANGUL, "zh": HAN}
    return next((name for name, signs in found.items() if signs.search(written)), "")


def _named(character: str, *, joined: bool) -> str:
    hidden = unicodedata.category(character) in {"Cf", "Cc"} and character not in "\n\t"
    return f"<U+{ord(character):04X}>" if hidden and not (joined and character in JOINS) else character
