"""Writes homophones.tsv: pip install pypinyin==0.55.0 && python -m tests.robustness_tables.homophones

pypinyin knows the readings of a character, and names the commonest first, not always well for a character alone
(似 shi, 佛 fu). GB 2312 lists its level 1 by reading: where the first reading breaks that order, the one that keeps it
is taken as well. A character then stands in two lines (长 chang, zhang), as an input method has it.
"""

from bisect import bisect_right
from collections import defaultdict

from pypinyin import Style, lazy_pinyin, pinyin

from potstill.validate.robustness.typos import HOMOPHONES
from tests.robustness_tables.level_one import level_one

# A second reading that is as common as the first, and that neither source puts first.
ALSO = {"地": "de", "行": "hang", "重": "chong", "都": "du", "乐": "yue", "率": "shuai", "调": "tiao", "校": "jiao"} | {
    "觉": "jiao",
    "传": "zhuan",
    "弹": "tan",
    "降": "xiang",
    "朝": "zhao",
    "藏": "zang",
    "便": "pian",
    "曝": "bao",
}

HEAD = """\
# Characters that are typed by the same letters: a toneless syllable (v for ü), and the characters of GB 2312 level 1
# that are read so, in the order of the standard. A character with two common readings stands in two lines.
# Made by tests/robustness_tables/homophones.py from the readings of pypinyin 0.55.0 (MIT licence).
"""


def table() -> str:
    """The whole file."""
    lines = defaultdict(list)
    for character, readings in readings_of(level_one()).items():
        for reading in dict.fromkeys([*readings, *ALSO.get(character, "").split()]):
            lines[reading].append(character)
    return HEAD + "".join(f"{reading}\t{''.join(alike)}\n" for reading, alike in sorted(lines.items()))


def readings_of(characters: list[str]) -> dict[str, list[str]]:
    """The commonest reading of each character, then the one that it is listed under where that is another."""
    commonest = [lazy_pinyin(character)[0] for character in characters]
    ordered = longest_ascending([_by_spelling(reading) for reading in commonest])
    found, below = {}, ""
    for place, character in enumerate(characters):
        found[character] = [commonest[place]]
        if place in ordered:
            below = _by_spelling(commonest[place])
            continue
        above = next((_by_spelling(commonest[later]) for later in sorted(ordered) if later > place), "zz")
        others = pinyin(character, style=Style.NORMAL, heteronym=True)[0]
        found[character] += [other for other in others if below <= _by_spelling(other) <= above][:1]
    return found


def _by_spelling(reading: str) -> str:
    """GB 2312 lists ü as u, behind it: lu, lv, luan."""
    return reading.replace("v", "u~") if reading in {"lv", "nv"} else reading.replace("v", "u")


def longest_ascending(items: list[str]) -> set[int]:
    """Places of a longest subsequence that never falls (patience sorting)."""
    ends: list[str] = []
    tops: list[int] = []
    before: list[int] = []
    for place, item in enumerate(items):
        pile = bisect_right(ends, item)
        ends[pile : pile + 1], tops[pile : pile + 1] = [item], [place]
        before.append(tops[pile - 1] if pile else -1)
    kept, place = set(), tops[-1]
    while place >= 0:
        kept.add(place)
        place = before[place]
    return kept


if __name__ == "__main__":
    HOMOPHONES.write_text(table(), encoding="utf-8")
