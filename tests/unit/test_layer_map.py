"""Which teacher layer each student layer learns from: the published maps, and what holds for every pair of depths."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potstill.encoder.layer_map import layer_map

depths = st.integers(1, 30)


@pytest.mark.parametrize(
    ("wanted", "student", "teacher", "layers"),
    [
        ("uniform", 4, 12, [2, 5, 8, 11]),  # TinyBERT-4: g(m) = 3m
        ("uniform", 6, 12, [1, 3, 5, 7, 9, 11]),  # TinyBERT-6; the first five are PKD-Skip's fc_layer_idx
        ("skip", 6, 12, [0, 2, 4, 7, 9, 11]),  # extract_distilbert.py
        ("last", 6, 12, [6, 7, 8, 9, 10, 11]),  # the first five are PKD-Last's
        ("first", 6, 12, [0, 1, 2, 3, 4, 5]),
        ("skip", 1, 12, [11]),
        ("skip", 2, 12, [0, 11]),
        ("skip", 3, 4, [0, 2, 3]),
        ("skip", 3, 2, [0, 0, 1]),
    ],
)
def test_published_maps(wanted, student, teacher, layers):
    assert layer_map(wanted, student, teacher) == layers


@given(st.sampled_from(["uniform", "skip"]), depths, depths)
def test_spread_maps_fit_any_two_depths(wanted, student, teacher):
    layers = layer_map(wanted, student, teacher)
    assert len(layers) == student
    assert layers == sorted(layers)
    assert all(0 <= layer < teacher for layer in layers)
    assert layers[-1] == teacher - 1
    if student <= teacher:
        assert len(set(layers)) == student
    gaps = [b - a for a, b in pairwise(layers)]
    assert not gaps or max(gaps) - min(gaps) <= 1
    if wanted == "skip" and student > 1:
        assert layers[0] == 0


@given(st.data(), depths)
def test_first_and_last_are_runs_at_the_ends(data, teacher):
    student = data.draw(st.integers(1, teacher))
    assert layer_map("first", student, teacher) == list(range(student))
    assert layer_map("last", student, teacher) == list(range(teacher - student, teacher))


@given(depths)
def test_equal_depths_are_matched_one_to_one(depth):
    for wanted in ("uniform", "skip", "first", "last"):
        assert layer_map(wanted, depth, depth) == list(range(depth))


@given(st.data(), depths)
def test_an_explicit_map_is_taken_as_it_is(data, teacher):
    layers = data.draw(st.lists(st.integers(0, teacher - 1), min_size=1, max_size=12))
    assert layer_map(", ".join(map(str, layers)), len(layers), teacher) == layers
