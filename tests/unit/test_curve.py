"""The curve of a pruning: its file, which points are worth choosing, its picture and its table."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import asdict, replace

import pytest

from potstill.errors import ArtifactError
from potstill.prune import curve_table
from potstill.prune.curve import CURVE, DRAWING, curve_from, pareto, read_curve, write_curve
from potstill.prune.curve_plot import draw, write_drawing
from tests.pruned_rounds import with_latency

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def curve(pruned_checkpoint):
    return read_curve(pruned_checkpoint)


def test_a_curve_comes_back_as_it_was_and_gives_the_same_bytes(curve, tmp_path):
    (tmp_path / "again").mkdir()
    write_curve(tmp_path, curve)
    assert read_curve(tmp_path) == curve
    write_curve(tmp_path / "again", read_curve(tmp_path))
    text = (tmp_path / CURVE).read_text()
    assert text == (tmp_path / "again" / CURVE).read_text()
    written = json.loads(text)
    assert list(written) == sorted(written)
    assert list(written["points"][0]) == sorted(written["points"][0])
    assert written["points"][0]["round"] is None
    assert written["points"][2]["heads"] == [4, 3]
    assert curve_from(asdict(curve)) == curve


def test_a_folder_without_a_curve_has_none(tmp_path):
    assert read_curve(tmp_path) is None


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "[]",
        '{"points": []}',
        lambda value: value | {"chosen": 9},
        lambda value: value | {"points": value["points"][1:]},
        lambda value: value | {"stopped": "tired"},
        lambda value: value | {"strange": 1},
        lambda value: value | {"points": [{**value["points"][0], "parameters": "many"}]},
    ],
)
def test_what_is_no_curve_is_refused(curve, tmp_path, broken):
    text = broken if isinstance(broken, str) else json.dumps(broken(asdict(curve)))
    (tmp_path / CURVE).write_text(text)
    with pytest.raises(ArtifactError, match=r"curve.json is not the curve of a pruning; make it again by prune"):
        read_curve(tmp_path)


def test_the_curve_tells_start_floor_and_pace(curve):
    assert curve.start.name == "start"
    assert curve.floor == pytest.approx(0.88)
    assert curve.pace == "flops"
    assert with_latency(curve).pace == "latency_ms"
    assert curve.at(2).name == "round 2"
    with pytest.raises(KeyError):
        curve.at(7)


def worth_by_hand(points, costs):
    """Compare each with each, in words."""
    found = []
    for one in points:
        beaten = False
        for other in points:
            as_good = other.accuracy >= one.accuracy and all(getattr(other, c) <= getattr(one, c) for c in costs)
            better = other.accuracy > one.accuracy or any(getattr(other, c) < getattr(one, c) for c in costs)
            beaten = beaten or (as_good and better)
        found.append(not beaten)
    return found


def test_points_that_another_dominates_are_not_worth_choosing(curve):
    first = curve.points[0]
    figures = [(0.9, 10, 10), (0.9, 10, 10), (0.9, 10, 9), (0.8, 12, 9), (0.8, 3, 20), (0.7, 3, 20), (0.95, 99, 99)]
    points = [replace(first, accuracy=a, parameters=p, flops=f) for a, p, f in figures]
    assert pareto(points, ["parameters", "flops"]) == [False, False, True, False, True, False, True]
    assert pareto(points, ["parameters"]) == [True, True, True, False, True, False, True]
    assert pareto(points[:2], ["parameters"]) == [True, True]  # equal points are worth as much
    for costs in (["parameters", "flops"], ["parameters"], ["flops"], []):
        assert pareto(points, costs) == worth_by_hand(points, costs)


def texts_of(drawing):
    return ["".join(each.itertext()) for each in ET.fromstring(drawing).iter(f"{SVG}text")]


def test_the_picture_shows_each_round_in_both_panels(curve):
    drawing = draw(curve)
    texts = texts_of(drawing)
    assert [texts.count(title) for title in ("trimmed", "1", "2")] == [2, 2, 2]
    assert texts.count("start") == 3  # and in the legend
    for wanted in ("parameters", "FLOPs, one row of 32 tokens", "accuracy on 64 validation rows, %"):
        assert wanted in texts
    assert "floor: 2 points lost" in texts
    timed = texts_of(draw(with_latency(curve)))
    assert "ms: one row of 24 tokens, by the latency table" in timed
    assert not any("FLOPs" in text for text in timed)
    assert "ms: a phone's" in texts_of(draw(with_latency(curve), "a phone's"))


def test_a_floor_far_below_does_not_press_the_points_together(curve):
    far = draw(replace(curve, max_accuracy_drop=90.0))
    assert "floor: 90 points lost (far below)" in texts_of(far)
    assert not any(text.startswith(("−", "-")) or text == "0" for text in texts_of(far))


def test_refused_rounds_are_hollow_and_the_chosen_one_has_a_ring(curve):
    def hollow(changed):
        return draw(changed).count("fill-opacity: 0")

    all_kept = replace(curve, points=tuple(replace(point, above_floor=True) for point in curve.points))
    assert hollow(curve) == hollow(all_kept) + 2 > 2  # one round in two panels
    assert draw(curve) != draw(replace(curve, chosen=0))


def test_a_start_alone_can_be_drawn(curve):
    alone = replace(curve, points=curve.points[:1], chosen=None)
    assert texts_of(draw(alone)).count("start") == 3


def test_the_picture_has_the_same_bytes_in_another_process(curve, pruned_checkpoint):
    code = (
        "import sys; from pathlib import Path; from potstill.prune.curve import read_curve; "
        "from potstill.prune.curve_plot import draw; print(draw(read_curve(Path(sys.argv[1]))), end='')"
    )
    again = subprocess.run([sys.executable, "-c", code, pruned_checkpoint], capture_output=True, text=True, check=True)
    assert again.stdout == draw(curve)


def test_a_picture_alone_brings_its_own_ink_for_light_and_dark(curve, tmp_path):
    write_drawing(tmp_path, curve)
    text = (tmp_path / DRAWING).read_text(encoding="utf-8")
    assert texts_of(text) == texts_of(draw(curve))
    assert "prefers-color-scheme: dark" in text
    assert "currentColor" in text
    assert "#010203" not in text


def test_the_table_has_a_row_for_each_point(curve):
    cells = [dict(zip(curve_table.HEAD, row, strict=True)) for row in curve_table.rows(curve)]
    assert [row["model"] for row in cells] == ["start", "trimmed", "round 1", "round 2"]
    assert [row["heads"] for row in cells] == ["8", "8", "7", "3"]
    assert [row["neurons"] for row in cells] == ["128", "128", "104", "24"]
    assert [row["accuracy %"] for row in cells] == ["90.00", "90.00", "89.50", "87.00"]
    assert [row["verdict"] for row in cells] == ["—", "best", "chosen, best", "below the floor, best"]
    assert {row["ms"] for row in cells} == {"—"}
    text = curve_table.markdown(curve, curve_table.notes(curve))
    assert all(line.count("|") == len(curve_table.HEAD) + 1 for line in text.splitlines() if line.startswith("|"))
    assert "The floor is 2 points lost. Prune ended at the floor." in text


def test_the_curve_is_read_without_torch_and_without_matplotlib():
    code = (
        "import sys, potstill.prune.curve, potstill.prune.curve_table; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_of_many_rounds_some_are_named(curve):
    last = curve.points[-1]
    many = [replace(last, round=number, name=f"round {number}", lost=number / 50) for number in range(2, 60)]
    texts = texts_of(draw(replace(curve, points=(*curve.points[:-1], *many))))
    named = [text for text in texts if text.isdecimal() and int(text) in range(1, 60)]
    assert {"1", "59"} <= set(named)  # the chosen one and the last
    assert len(set(named)) < 20
