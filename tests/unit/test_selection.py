"""The most important units stay, at most as many as asked for, in whole blocks, and no layer is emptied."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from potstill.prune.selection import select

GROUPS = st.lists(st.lists(st.integers(-3, 6), min_size=1, max_size=13), min_size=1, max_size=4)  # small: many ties


def slow_select(importance, keep, multiple):
    """Take block after block, the best of those that are next in their groups."""
    ordered = [sorted(range(len(each)), key=lambda unit, each=each: (-each[unit], unit)) for each in importance]
    blocks = [[order[i : i + multiple] for i in range(0, len(order), multiple)] for order in ordered]
    kept = [each.pop(0) for each in blocks]
    while any(blocks):
        means = [
            sum(importance[g][unit] for unit in each[0]) / len(each[0]) if each else None
            for g, each in enumerate(blocks)
        ]
        best = max((g for g, mean in enumerate(means) if mean is not None), key=lambda g: (means[g], -g))
        if sum(map(len, kept)) + len(blocks[best][0]) > keep:
            break
        kept[best] = kept[best] + blocks[best].pop(0)
    return [sorted(each) for each in kept]


def chosen(importance, *how, **named):
    return [each.tolist() for each in select([torch.tensor(each).float() for each in importance], *how, **named)]


@settings(max_examples=150, deadline=None)
@given(importance=GROUPS, keep=st.integers(0, 60), multiple=st.integers(1, 5))
def test_it_is_the_greedy_choice_spelled_out(importance, keep, multiple):
    assert chosen(importance, keep, multiple) == slow_select(importance, keep, multiple)


@settings(max_examples=150, deadline=None)
@given(importance=GROUPS, keep=st.integers(0, 60), multiple=st.integers(1, 5), uniform=st.booleans())
def test_what_is_promised_of_every_choice(importance, keep, multiple, uniform):
    kept = chosen(importance, keep, multiple, uniform=uniform)
    floor = [min(multiple, len(each)) for each in importance]
    for each, scores, least in zip(kept, importance, floor, strict=True):
        assert len(each) >= (1 if uniform else least)
        assert each == sorted(set(each))
        lost = [score for unit, score in enumerate(scores) if unit not in each]
        assert not lost or max(lost) <= min(scores[unit] for unit in each)
        if not uniform:
            assert len(each) % multiple == 0 or len(each) == len(scores)
    total = sum(map(len, kept))
    if uniform:
        assert len({len(each) for each in kept}) == 1
        assert total <= max(keep, len(kept) * multiple)
    else:
        assert total <= max(keep, sum(floor))
        assert total > min(keep, sum(map(len, importance))) - multiple


def test_without_blocks_the_best_of_all_stay():
    importance = [torch.rand(9, generator=torch.Generator().manual_seed(seed)) for seed in range(3)]
    flat = torch.cat(importance)
    best = set(flat.topk(14).indices.tolist())
    kept = select(importance, 14)
    assert {9 * group + unit for group, each in enumerate(kept) for unit in each.tolist()} == best


@pytest.mark.parametrize(
    ("keep", "multiple", "uniform", "numbers"),
    [
        (0, 1, False, [1, 1, 1]),
        (0, 8, False, [8, 8, 6]),  # a group smaller than a block stays whole
        (99, 8, False, [20, 20, 6]),
        (46, 8, False, [20, 20, 6]),
        (45, 8, False, [20, 16, 6]),  # the last block of 4 of a lower layer stays
        (29, 8, False, [8, 8, 6]),
        (30, 8, False, [16, 8, 6]),
        (0, 4, True, [4, 4, 4]),
        (17, 4, True, [4, 4, 4]),
        (18, 4, True, [6, 6, 6]),  # all that the smallest group has
        (99, 4, True, [6, 6, 6]),
        (0, 8, True, [6, 6, 6]),
        (15, 1, True, [5, 5, 5]),
    ],
)
def test_numbers_of_units_that_are_all_alike(keep, multiple, uniform, numbers):
    kept = select([torch.ones(20), torch.ones(20), torch.ones(6)], keep, multiple, uniform=uniform)
    assert [each.tolist() for each in kept] == [list(range(number)) for number in numbers]


def test_a_negative_importance_is_less_than_none():
    assert chosen([[-5.0, 0.0, -1.0], [-2.0, 3.0]], 3) == [[1, 2], [1]]


def test_where_there_are_no_heads_none_are_chosen():
    assert select([], 0) == select([], 7, 8) == select([], 0, uniform=True) == []
