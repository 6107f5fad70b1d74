"""The picture of a lineage: whatever stands in a manifest, it is a drawing and nothing else."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potstill.lineage.drawing import ACROSS, DOWN, draw, in_words, standalone
from potstill.lineage.graph import Node
from potstill.lineage.shown import cut, markup, padded, shown, width

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "</text><script>alert(1)</script>",
    '" onload="alert(1)',
    "]]><!-- -->",
    "a\nb\rc\0d\x1b[31m",
    "\u202egnp.exe",
    "\ufffe\uffff",
    "新聞" * 40,
    "'&amp;<>",
]


def chain(title="student", stage="distill"):
    return {
        "a": Node("data", "import-data", "11" * 32, ()),
        "b": Node(title, stage, "22" * 32, ("a",), ("data",), ("checkpoint/v1", title)),
        "c": Node("seen", "", "33" * 32, ("a",)),
        "d": Node("report", "validate", "44" * 32, ("b", "c"), ("model", "onnx")),
    }


def texts(drawing):
    return ["".join(each.itertext()) for each in ET.fromstring(drawing).iter(f"{SVG}text")]


@pytest.mark.parametrize("grid", [ACROSS, DOWN])
def test_every_artifact_is_named_with_its_stage_and_digest(grid):
    found = texts(draw(chain(), grid))
    assert {"data", "student", "seen", "report"} <= set(found)
    assert any("distill" in each for each in found)
    assert any(each.endswith("22222222") for each in found)


@pytest.mark.parametrize("grid", [ACROSS, DOWN])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_name_stays_a_name(grid, hostile):
    whole = standalone(draw(chain(hostile, hostile), grid), hostile, in_words(chain(hostile, hostile)))
    tree = ET.fromstring(whole)
    assert {each.tag.removeprefix(SVG) for each in tree.iter()} <= {
        *("svg", "g", "title", "desc", "style", "rect", "text", "path", "polygon"),
    }
    assert not [name for each in tree.iter() for name in each.attrib if name.startswith("on") or "href" in name]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\0\x1b]", whole)


@given(st.text(), st.text())
def test_any_text_gives_well_formed_xml(title, stage):
    ET.fromstring(standalone(draw(chain(title, stage)), title, stage))


def test_it_is_the_same_each_time_and_has_no_ids_of_its_own():
    assert draw(chain()) == draw(dict(reversed(chain().items())))
    assert ' id="' not in draw(chain())


def test_a_file_of_its_own_is_named_told_and_fit_for_the_dark():
    whole = standalone(draw(chain()), "Lineage of headlines 1.0.0", in_words(chain()))
    tree = ET.fromstring(whole)
    assert tree.attrib["role"] == "img"
    assert tree.attrib["aria-labelledby"] == "name told"
    assert tree.find(f"{SVG}title").text == "Lineage of headlines 1.0.0"
    assert "report, made by validate, from model, onnx" in tree.find(f"{SVG}desc").text
    assert "seen, known by its digest alone" in tree.find(f"{SVG}desc").text
    assert "prefers-color-scheme: dark" in tree.find(f"{SVG}style").text
    assert tree.attrib["viewBox"] == f"0 0 {tree.attrib['width']} {tree.attrib['height']}"


@pytest.mark.parametrize("grid", [ACROSS, DOWN])
def test_everything_lies_within_the_picture(grid):
    tree = ET.fromstring(draw(chain(), grid))
    wide, high = (float(each) for each in tree.attrib["viewBox"].split()[2:])
    for box in tree.iter(f"{SVG}rect"):
        x, y, w, h = (float(box.attrib[name]) for name in ("x", "y", "width", "height"))
        assert x >= 0
        assert y >= 0
        assert x + w <= wide
        assert y + h <= high
    for path in tree.iter(f"{SVG}path"):
        points = [tuple(map(float, each.split(","))) for each in re.findall(r"-?[\d.]+,-?[\d.]+", path.attrib["d"])]
        assert all(0 <= x <= wide and 0 <= y <= high for x, y in points)


def test_arrows_point_from_what_was_given_to_what_was_made():
    tree = ET.fromstring(draw({"a": Node("a", "s", "1", ()), "b": Node("b", "s", "2", ("a",))}))
    [head] = tree.iter(f"{SVG}polygon")
    tip = float(head.attrib["points"].split(",")[0])
    left = [float(box.attrib["x"]) for box in tree.iter(f"{SVG}rect")]
    assert tip == max(left)


def test_a_long_name_is_cut_to_its_box():
    [longest] = [each for each in texts(draw(chain("新聞" * 40))) if each.startswith("新聞")]
    assert longest.endswith("…")
    assert width(longest) <= 17


@given(st.text(), st.integers(1, 80))
def test_texts_are_cut_and_filled_to_columns(text, columns):
    seen = cut(shown(text), columns)
    assert width(seen) <= columns
    assert width(padded(seen, columns)) == columns


@given(st.text())
def test_what_is_shown_has_no_character_that_turns_or_ends_the_line(text):
    assert not re.search(
        "[\u202a-\u202e\u2066-\u2069\u200e\u200f\ufeff\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", shown(text)
    )
    assert not set(markup(text)) & set("<>\"'")
