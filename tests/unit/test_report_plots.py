"""What the report's pictures are computed from, each against a slow and obvious reference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text

from potstill.measure.drawing import logarithmic, panels, style, svg
from potstill.measure.place_titles import Box, place_titles, width_of
from potstill.validate.report.classes import classes, top_confusions
from potstill.validate.report.lineage import layers, lineage_of
from potstill.validate.report.numbers import count, megabytes, milliseconds, number, p_value, percent, points
from potstill.validate.report.plot import plot
from potstill.validate.report.plots.front import Point, front
from potstill.validate.report.plots.latency import by_length, distribution
from potstill.validate.report.plots.pareto import against_size
from potstill.validate.report.plots.robustness import points_and_flips
from potstill.validate.report.plots.training import told_in_words, training_curves
from tests.report_figures import report_figures

FIGURE = st.integers(1, 6).map(float)


def slow_front(points):
    def beaten(one):
        return any(
            other.cost <= one.cost
            and other.accuracy >= one.accuracy
            and (other.cost < one.cost or other.accuracy > one.accuracy)
            for other in points
        )

    return {(each.cost, each.accuracy) for each in points if not beaten(each)}


@given(st.lists(st.tuples(FIGURE, FIGURE), min_size=1, max_size=12))
def test_front_is_what_nothing_beats(places):
    drawn = [Point(str(place), "", *each, 0, 0) for place, each in enumerate(places)]
    assert {(each.cost, each.accuracy) for each in front(drawn)} == slow_front(drawn)


def test_titles_do_not_cover_each_other_nor_points():
    places = [(6.1, 85.00), (6.15, 85.05), (6.2, 84.9), (12.1, 85.05), (24.1, 85.2), (60.8, 85.5)]
    titled = [(*place, f"a model with a title {each}") for each, place in enumerate(places)]
    with style("titles"):
        figure, [axes] = panels(5, 4)
        axes.plot(*zip(*places, strict=True), "o")
        axes.set(xlim=(3, 120), ylim=(84.4, 86))
        logarithmic(axes.xaxis)
        place_titles(figure, axes, titled, places)
        figure.draw_without_rendering()
        boxes = [Text.get_window_extent(each) for each in axes.texts]  # without the line to the point
        frame = axes.get_window_extent()
        marks = [axes.transData.transform(place) for place in places]
    assert len(boxes) == len(titled)
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])
        assert not any(box.contains(*mark) for mark in marks)
        assert frame.y0 <= box.y0
        assert box.y1 <= frame.y1


def test_titles_of_marks_on_each_other_stand_together():
    with style("together"):
        figure, [axes] = panels(5, 4)
        axes.set(xlim=(0, 10), ylim=(0, 10))
        place_titles(figure, axes, [(5, 5, "one"), (5.01, 5, "two"), (8, 8, "far")], [(5, 5), (5.01, 5), (8, 8)])
    assert [each.get_text() for each in axes.texts] == ["one\ntwo", "far"]


def test_each_point_of_a_picture_is_in_its_table():
    made = against_size(report_figures())
    assert ("ONNX int8", "6.15 MB", "86.70", "86.00 to 87.40") in made.rows
    assert len(made.rows) == sum(model["bytes"] is not None for model in report_figures()["models"].values())


def test_one_epoch_is_a_sentence_and_no_curve():
    figures = report_figures()
    figures["training"].append({**figures["training"][0], "name": "Quantized", "loss": [0.5], "score": [0.9]})
    assert [each.title for each in training_curves(figures)] == ["Training of Teacher"]
    said = "Quantized, trained for one epoch. Loss by epoch: 0.5. Validation accuracy by epoch: 0.9."
    assert told_in_words(figures) == [said]


def test_throughput_is_told_with_its_unit():
    assert "rows a second at 16 tokens" in by_length(report_figures())[1].drawing


def test_wide_characters_are_given_room():
    assert width_of("长长长长") > 1.5 * width_of("long")


def test_boxes_measure_their_distance():
    box = Box(0, 0, 10, 4)
    assert box.distance((5, 2)) == 0
    assert box.distance((13, 8)) == 5
    assert box.covers(Box(8, 2, 20, 20)) == 4
    assert box.beyond(Box(0, 0, 5, 4)) == 20


def test_pictures_are_the_same_each_time_and_hold_no_mathematics():
    figures = report_figures()
    for name, model in figures["models"].items():
        model["title"] = f"$\\frac{{ {name} 长 <b>"
    first, again = against_size(figures), against_size(figures)
    assert first == again
    assert "<b>" not in first.drawing
    assert "$\\frac{ teacher 长" in first.drawing


@pytest.mark.parametrize("least", [0.5, 5.0])
def test_a_logarithmic_axis_has_numbers_that_can_be_read(least):
    with style("axis"):
        figure, [axes] = panels(4, 3)
        axes.set_xlim(least, 6)
        logarithmic(axes.xaxis)
        drawing = svg(figure)
        ticks = [each for each in axes.get_xticks() if least <= each <= 6]
    assert len(ticks) >= 3
    assert "mathdefault" not in drawing


def test_a_picture_is_named_told_and_in_the_pages_colours():
    with style("picture"):
        figure, [axes] = panels(3, 2)
        axes.plot([1, 2], [1, 2], gid="line")
        made = plot("a-picture", "A <title>", figure, "1 & 2", tips={"line": "it's <this>"})
    assert 'role="img" aria-label="A &lt;title&gt;" aria-describedby="a-picture-told"' in made.drawing
    assert '<desc id="a-picture-told">1 &amp; 2</desc>' in made.drawing
    assert "<title>it&#x27;s &lt;this&gt;</title>" in made.drawing
    assert "currentColor" in made.drawing
    assert "DejaVu" not in made.drawing


def test_nothing_measured_is_no_picture():
    figures = report_figures()
    figures["latency"]["samples"] = {}
    figures["robustness"] = None
    assert distribution(figures) is None
    assert points_and_flips(figures) == []


def test_robustness_without_a_loss_or_a_flip_is_still_drawn():
    figures = report_figures()
    for each in figures["robustness"]["disturbances"]:
        each["models"] = {name: {**found, "lost": 0.0, "flips": None} for name, found in each["models"].items()}
    assert [each.anchor for each in points_and_flips(figures)] == ["robustness-lost"]


def test_classes_come_weakest_first_with_what_they_are_taken_for():
    figures = report_figures()
    final = figures["models"][figures["final"]]
    final["confusion"] = [[8, 2, 0, 0], [1, 7, 2, 0], [0, 0, 9, 1], [0, 0, 0, 10]]
    for each, f1 in zip(final["per_class"], (0.8, 0.7, 0.9, 0.95), strict=True):
        each["f1"] = f1
    found = classes(figures)
    assert [each.place for each in found] == [1, 0, 2, 3]
    assert [(each.predicted, each.rows, each.share) for each in found[0].taken_for] == [
        (figures["labels"][2], 2, 0.2),
        (figures["labels"][0], 1, 0.1),
    ]
    assert [(each.truth, each.rows) for each in found[2].mistaken] == [(figures["labels"][1], 2)]
    assert [each.rows for each in top_confusions(figures)] == [2, 2, 1, 1]


def given_lineage(parents):
    """Artifacts `a`, `b`, … each with its parents; the digest is the name."""
    told = {"kind": "", "stage": "made", "licence": ""}
    inputs = {
        name: {**told, "digest": name, "inputs": {each: each for each in found}} for name, found in parents.items()
    }
    return {"lineage": inputs, "report": "report"}


def test_lineage_leaves_out_what_others_imply():
    nodes = lineage_of(given_lineage({"a": "", "b": "a", "c": "ab", "d": "abc"}))
    assert {name: "".join(node.parents) for name, node in nodes.items()} == {
        "a": "",
        "b": "a",
        "c": "b",
        "d": "c",
        "report": "d",
    }
    assert nodes["d"].made_from == ("a", "b", "c")
    assert layers(nodes) == [["a"], ["b"], ["c"], ["d"], ["report"]]


@given(st.integers(1, 7).flatmap(lambda count: st.lists(st.sets(st.integers(0, 6)), min_size=count, max_size=count)))
def test_lineage_reaches_what_it_reached_before(found):
    parents = {
        "abcdefg"[at]: ["abcdefg"[each] for each in sorted(above) if each < at] for at, above in enumerate(found)
    }
    nodes = lineage_of(given_lineage(parents))
    whole = {name: set(each) for name, each in parents.items()}
    drawn = {name: set(node.parents) for name, node in nodes.items()}

    def reached(name, edges):
        return edges.get(name, set()).union(*(reached(each, edges) for each in edges.get(name, ())))

    depth = {name: row for row, names in enumerate(layers(nodes)) for name in names}
    for name in parents:
        assert reached(name, drawn) == reached(name, whole)
        assert all(depth[each] < depth[name] for each in drawn[name])


def test_numbers_have_one_form():
    assert [percent(0.85034), percent(None), percent(0.5, 0)] == ["85.03", "—", "50"]
    assert [points(0.0052), points(-0.001), points(-0.000001), points(None)] == ["+0.52", "−0.10", "0.00", "—"]
    assert [megabytes(6148838), number(0.03494), number(-0.5, 1)] == ["6.15", "0.0349", "−0.5"]
    assert [milliseconds(each) for each in (0.578, 12.93, 128.4, None)] == ["0.58", "12.9", "128", "—"]
    assert [count(10125), count(0), count(None)] == ["10,125", "—", "—"]
    assert [p_value(each) for each in (0.0001, 0.0312, 1.0, None)] == ["< 0.001", "0.031", "1.000", "—"]
