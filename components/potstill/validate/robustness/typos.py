"""Wrong Chinese characters, of the two kinds that people write: one that looks alike, one that sounds alike."""

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from random import Random

from potstill.validate.robustness.places import characters, draw, draw_places

LOOK_ALIKES = Path(__file__).with_name("look_alikes.tsv")
HOMOPHONES = Path(__file__).with_name("homophones.tsv")
COMMENT = "#"


def look_alike(text: str, dice: Random) -> str:
    """Replace characters by others of like shape: `未来` → `末来`."""
    return _mistyped(text, look_alikes(), dice)


def homophone(text: str, dice: Random) -> str:
    """Replace characters by others with the same toneless pinyin: `公式` → `公事`."""
    return _mistyped(text, homophones(), dice)


def _mistyped(text: str, mistakes: Mapping[str, str], dice: Random) -> str:
    parts = characters(text)
    places = [place for place, part in enumerate(parts) if part in mistakes]
    for place in sorted(draw_places(places, len(parts), dice)):
        parts[place] = draw(mistakes[parts[place]], dice)
    return "".join(parts)


@lru_cache
def look_alikes() -> dict[str, str]:
    """Read for each character those that look alike."""
    return dict(_table(LOOK_ALIKES))


@lru_cache
def homophones() -> dict[str, str]:
    """Read for each character those that are typed by the same letters."""
    found: dict[str, str] = defaultdict(str)
    for _, alike in _table(HOMOPHONES):
        for character in alike:
            found[character] += alike.replace(character, "")
    return {character: alike for character, alike in found.items() if alike}


def _table(path: Path) -> list[tuple[str, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith(COMMENT))
    return [(key, alike) for key, alike in rows]
