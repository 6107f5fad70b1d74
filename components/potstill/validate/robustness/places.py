"""Where in a text a disturbance strikes: whole characters as people see them, drawn the same way for ever."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

import regex

ONE_IN = 20  # characters per place that is struck
Item = TypeVar("Item")


def characters(text: str) -> list[str]:
    """Cut a text into what a person calls a character: a letter with its marks, an emoji with its skin tone.

    Source: extended grapheme clusters, Unicode Standard Annex 29.
    """
    found: list[str] = regex.findall(r"\X", text)
    return found


def is_visible(text: str) -> bool:
    """Tell whether a character, or any of a text, leaves ink, so that a person could drop or double it."""
    return any(code.isprintable() and not code.isspace() for code in text)


def draw(items: Sequence[Item], dice: Random) -> Item:
    """Draw one of at least one item.

    From `random()` alone: Python promises that its numbers stay the same in later versions, and promises that of no
    other method.
    """
    return items[int(dice.random() * len(items))]


def draw_places(places: Sequence[int], length: int, dice: Random) -> set[int]:
    """Draw the places that are struck in a text: one in ONE_IN characters, one at least, all different.

    Args:
        places: those that can be struck; none gives none.
        length: characters of the text.
        dice: what draws.
    """
    left, count = list(places), min(len(places), max(1, length // ONE_IN))
    for done in range(count):  # the first steps of a Fisher-Yates shuffle
        other = done + int(dice.random() * (len(left) - done))
        left[done], left[other] = left[other], left[done]
    return set(left[:count])
