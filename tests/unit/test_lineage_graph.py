"""Layers and places of a lineage's picture."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potstill.lineage.graph import Node, depths, direct_parents, layers
from potstill.lineage.layout import LANE, arrange

GRAPHS = st.integers(1, 9).flatmap(
    lambda count: st.lists(st.sets(st.integers(0, 8)), min_size=count, max_size=count).map(
        lambda found: {
            "abcdefghi"[at]: [f"{'abcdefghi'[each]}" for each in sorted(above) if each < at]
            for at, above in enumerate(found)
        }
    )
)


def nodes_from(parents):
    return {name: Node(name, "made", name, found) for name, found in direct_parents(parents).items()}


def test_what_another_parent_implies_is_left_out():
    found = direct_parents({"a": [], "b": ["a"], "c": ["a", "b"], "d": ["a", "b", "c"]})
    assert found == {"a": (), "b": ("a",), "c": ("b",), "d": ("c",)}


def test_what_was_given_stands_right_above_what_was_made_of_it():
    nodes = nodes_from({"a": [], "b": ["a"], "late": [], "c": ["b", "late"]})
    assert layers(nodes) == [["a"], ["b", "late"], ["c"]]


def test_an_artifact_of_nobody_stands_in_the_first_layer():
    assert depths(nodes_from({"a": [], "alone": [], "b": ["a"]})) == {"a": 0, "alone": 0, "b": 1}


@pytest.mark.parametrize("count", [0, 1, 3000])
def test_a_chain_of_any_length_is_laid_out(count):
    parents = {str(each): [str(each - 1)] if each else [] for each in range(count)}
    assert arrange(nodes_from(parents)).layers == count


@given(GRAPHS)
def test_every_line_leads_on_by_one_layer_at_a_time(parents):
    arranged = arrange(nodes_from(parents))
    for (parent, child), way in arranged.lines.items():
        assert (way[0], way[-1]) == (arranged.boxes[parent], arranged.boxes[child])
        assert all(after[0] - before[0] == 1 for before, after in pairwise(way))


@given(GRAPHS)
def test_nothing_overlaps(parents):
    """Boxes of a layer stand apart by a box, and a line passes each box at least by half of its lane."""
    arranged = arrange(nodes_from(parents))
    places = [(place, 1.0) for place in arranged.boxes.values()]
    places += [(place, LANE) for way in arranged.lines.values() for place in way[1:-1]]
    for at, (one, width) in enumerate(places):
        for other, its_width in places[:at]:
            if one[0] == other[0]:
                assert abs(one[1] - other[1]) >= (width + its_width) / 2 - 1e-9
        assert arranged.lowest <= one[1] <= arranged.highest


@given(GRAPHS, st.randoms(use_true_random=False))
def test_the_order_in_which_artifacts_come_changes_nothing(parents, random):
    shuffled = list(parents)
    random.shuffle(shuffled)
    assert arrange(nodes_from(parents)) == arrange(nodes_from({name: parents[name] for name in shuffled}))


def test_lines_of_a_fork_do_not_cross():
    parents = {"a": [], "b": [], "c": ["b"], "d": ["a"], "e": ["c"], "f": ["d"]}
    arranged = arrange(nodes_from(parents))
    order = [arranged.boxes[name][1] for name in "ab"]
    assert (arranged.boxes["d"][1] < arranged.boxes["c"][1]) == (order[0] < order[1])
    assert (arranged.boxes["f"][1] < arranged.boxes["e"][1]) == (order[0] < order[1])
