"""A text of others in a line of ours: it can neither end the line nor turn it, and stays readable."""

from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potstill.errors import InputError
from potstill.one_line import one_line, refused_in_one_line
from potstill.progress import tell

TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
UNSEEN = "\u00ad\u180e\u200b\u200c\u200d\u2060\u2061\u206a\ufeff\ufff9\U000e0001\U000e0041"
ENDING = "\0\a\b\t\n\r\x1b\x7f\x85\x9b\u2028\u2029\ud800"


@pytest.mark.parametrize("character", TURNING + UNSEEN + ENDING, ids=ascii)
def test_what_is_not_seen_is_written_out(character):
    written = character.encode("unicode_escape").decode()
    assert one_line(f"a{character}b") == f"a{written}b"
    assert one_line(character * 2) == written * 2


@pytest.mark.parametrize(
    "text",
    [
        "国足一比零,「头条」·快讯",
        "naïve Ångström é שלום עולם",
        "👍🏻 ❤\ufe0f 🇨🇳 1\ufe0f\u20e3",
        "👩\u200d🚀 👨\u200d👩\u200d👧 👩🏽\u200d🚒 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d🌈 🐈\u200d⬛ 🤷🏻\u200d♀\ufe0f",
    ],
)
def test_what_is_written_stays(text):
    assert one_line(text) == text


@pytest.mark.parametrize(
    "text",
    ["pass\u200dword", "👩\u200d", "\u200d🚀", "👩\u200d\u200d🚀", "👩\u200da", "a\ufe0f\u200d🚀"],
    ids=ascii,
)
def test_a_joiner_outside_of_an_emoji_is_written_out(text):
    assert one_line(text) == text.replace("\u200d", "\\u200d")


@given(st.text())
def test_any_text_becomes_one_line_in_its_own_order(text):
    told = one_line(text)
    assert {category(each) for each in told.replace("\u200d", "")}.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
    assert len(told.splitlines()) <= 1
    assert one_line(told) == told


def test_what_is_refused_is_said_in_one_line_by_the_same_error():
    with pytest.raises(InputError) as refused, refused_in_one_line():
        raise InputError("evil\u202egpj.exe\nfine")
    assert str(refused.value) == "evil\\u202egpj.exe\\nfine"


def test_what_is_told_on_the_way_is_one_line(capsys):
    tell("published a\nb as file:///store \u202e")
    assert capsys.readouterr().err == "▸ published a\\nb as file:///store \\u202e\n"
