"""The tables of look-alikes and homophones: sound in themselves, and right where everybody knows the answer."""

import pytest

from potstill.validate.robustness.typos import COMMENT, HOMOPHONES, LOOK_ALIKES, homophones, look_alikes
from tests.robustness_tables.level_one import level_one

TABLES = pytest.mark.parametrize("table", [look_alikes, homophones])


def rows(path):
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith(COMMENT)]


def test_level_one_is_the_level_one_of_the_standard():
    assert (len(level_one()), level_one()[0], level_one()[-1]) == (3755, "啊", "座")


@TABLES
def test_all_are_common_characters_and_none_its_own_mistake(table):
    common = set(level_one())
    for character, alike in table().items():
        assert alike
        assert character not in alike
        assert len(set(alike)) == len(alike) or table is homophones  # 率 may be reached by two readings
        assert {character, *alike} <= common


@pytest.mark.parametrize("path", [LOOK_ALIKES, HOMOPHONES])
def test_a_file_is_sorted_and_small_and_says_how_it_was_made(path):
    keys = [key for key, _ in rows(path)]
    assert keys == sorted(set(keys))
    assert path.stat().st_size <= 60_000
    assert f"Made by tests/robustness_tables/{path.stem}.py" in path.read_text(encoding="utf-8")


KNOWN = "已己 己巳 未末 人入 大太 大犬 土士 干千 折拆 拔拨 治冶 侯候 待侍 晴睛 贷货 免兔 鸟乌 今令 问间 微徽"


@pytest.mark.parametrize("pair", KNOWN.split())
def test_known_look_alikes_are_in_both_directions(pair):
    assert pair[1] in look_alikes()[pair[0]]
    assert pair[0] in look_alikes()[pair[1]]


@pytest.mark.parametrize(
    "group", ["的得地", "是事市式", "在再", "他她它", "做作坐", "长常", "长张", "绿旅", "似四", "佛否"]
)
def test_known_homophones(group):
    wanted = group != "佛否"  # fo, fou
    assert all((other in homophones()[group[0]]) == wanted for other in group[1:])


def test_homophones_are_mutual():
    assert all(one in homophones()[other] for one, alike in homophones().items() for other in alike)


def test_nearly_every_common_character_can_be_mistyped():
    assert len(homophones()) > 3700
    assert len(look_alikes()) > 3000
