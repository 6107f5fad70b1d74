"""Every disturbance in the order of the report, and what becomes of texts under each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from random import Random

import numpy as np
import numpy.typing as npt

from potstill.validate.robustness import slips, spelling, typos
from potstill.validate.robustness.examples import example_of
from potstill.validate.robustness.places import is_visible


@dataclass(frozen=True)
class Disturbance:
    """One way in which a text differs from how it should have been written.

    Attributes:
        name: in JSON.
        title: for people.
        change: (text, dice) → text; the text itself where the disturbance does not apply.
    """

    name: str
    title: str
    change: Callable[[str, Random], str]


@dataclass(frozen=True)
class Disturbed:
    """All texts under one disturbance.

    Attributes:
        name: of the disturbance, in JSON.
        title: for people.
        texts: (rows,) in the order of the clean ones.
        changed: (rows,) where the text is another than the clean one.
        example: the first changed text before and after, cut for a table; None where none changed.
    """

    name: str
    title: str
    texts: list[str]
    changed: npt.NDArray[np.bool_]
    example: tuple[str, str] | None = None


def _always(change: Callable[[str], str]) -> Callable[[str, Random], str]:
    """Take a change that leaves nothing to chance for one that does."""
    return lambda text, _: change(text)


DISTURBANCES = (
    Disturbance("full_width", "Full width", _always(spelling.full_width)),
    Disturbance("half_width", "Half width", _always(spelling.half_width)),
    Disturbance("traditional", "Traditional characters", _always(spelling.traditional)),
    Disturbance("simplified", "Simplified characters", _always(spelling.simplified)),
    Disturbance("typo_shape", "Look-alike typed", typos.look_alike),
    Disturbance("typo_pinyin", "Homophone typed", typos.homophone),
    Disturbance("emoji", "Emoji", slips.with_emoji),
    Disturbance("dropped", "Character dropped", slips.dropped),
    Disturbance("repeated", "Character repeated", slips.repeated),
    Disturbance("truncated", "First half only", _always(slips.first_half)),
    Disturbance("very_long", "Very long", _always(slips.very_long)),
    Disturbance("stray_space", "Stray space", slips.with_space),
    Disturbance("invisible", "Invisible character", slips.with_invisible),
    Disturbance("upper_case", "Upper case", _always(str.upper)),
)


def disturb(texts: Sequence[str], seed: int = 0) -> list[Disturbed]:
    """Write the texts again under every disturbance.

    What becomes of a text depends on the text, the disturbance and the seed alone: neither on the rows beside it nor
    on the process. Look-alikes, homophones, emoji, dropped and repeated characters, spaces and invisible characters
    strike one place in twenty characters, and one place at least; the other disturbances take the whole text.

    Args:
        texts: texts in any script, as UTF-8 has them; one without a visible character stays as it is.
        seed: of the places and the characters that are drawn.

    Returns: one per disturbance, in the order of the report.
    """
    return [_disturbed(each, texts, seed) for each in DISTURBANCES]


def _disturbed(disturbance: Disturbance, texts: Sequence[str], seed: int) -> Disturbed:
    new = [_changed(disturbance, text, seed) for text in texts]
    changed = np.array([one != other for one, other in zip(texts, new, strict=True)], dtype=np.bool_)
    first = int(changed.argmax()) if changed.any() else None
    example = None if first is None else example_of(texts[first], new[first])
    return Disturbed(disturbance.name, disturbance.title, new, changed, example)


def _changed(disturbance: Disturbance, text: str, seed: int) -> str:
    return disturbance.change(text, _dice(seed, disturbance.name, text)) if is_visible(text) else text


def _dice(seed: int, name: str, text: str) -> Random:
    """Return dice of their own for each row, from a digest that is the same in each process: `hash` is not."""
    digest = blake2b(f"{seed}|{name}|{text}".encode(), digest_size=8).digest()
    return Random(int.from_bytes(digest, "big"))  # noqa: S311  a slip of the finger is no secret
