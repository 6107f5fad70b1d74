"""Which shapes a latency table is measured on, how they take turns, and how their times are taken apart."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from potstill.latency_table import timing as timing_module
from potstill.latency_table.fit import fit
from potstill.latency_table.shapes import CHECKS, DEEPEST, check_shapes, even, measured_shapes, neuron_sizes
from potstill.latency_table.table import LatencyTable
from potstill.latency_table.timing import QUICKER, WARM_UP, in_turns
from potstill.prune.cost import latency_ms
from potstill.prune.shape import Shape

BASE = Shape("bert", 768, 64, (12,) * 12, (3072,) * 12, 12, 21_128, 512)
SMALL = Shape("bert", 512, 64, (8,) * 4, (2048,) * 4, 4, 21_128, 512)
UNEVEN = replace(SMALL, heads=(8, 1, 3, 5), neurons=(2048, 8, 640, 128))
MOBILE = Shape("mobilebert", 512, 32, (4,) * 24, (512,) * 96, 24, 30_522, 512)
TINY = Shape("bert", 32, 8, (1,), (4,), 1, 100, 64)
OWNS = {"base": BASE, "small": SMALL, "uneven": UNEVEN, "mobile": MOBILE, "tiny": TINY}


@pytest.fixture(params=OWNS)
def own(request):
    return OWNS[request.param]


def test_measured_shapes_vary_one_size_at_a_time(own):
    heads, neurons = max(own.heads), max(own.neurons)
    for shape in measured_shapes(own, 4):
        assert len(set(shape.heads)) == len(set(shape.neurons)) == 1
        deep = shape.layers == max(2, min(own.layers, DEEPEST))
        assert [deep, shape.heads[0] == heads, shape.neurons[0] == neurons].count(False) <= 1


def test_the_ends_are_measured_and_few_shapes_are(own):
    shapes = measured_shapes(own, 4)
    assert len(shapes) == len(set(shapes)) <= 9
    assert {min(shape.layers for shape in shapes)} == {1}
    assert max(shape.heads[0] for shape in shapes) == max(own.heads)
    assert max(shape.neurons[0] for shape in shapes) == max(own.neurons)
    if own.family == "bert":
        assert min(shape.heads[0] for shape in shapes) == 1
    else:
        assert {shape.heads[0] for shape in shapes} == {4}  # they are never cut


def test_every_checked_shape_lies_within_what_was_measured_and_is_new(own):
    measured, checks = measured_shapes(own, 4), check_shapes(own, 4)
    assert len(checks) == CHECKS
    for shape in checks:
        assert min(shape.heads) >= min(each.heads[0] for each in measured)
        assert max(shape.heads) <= max(own.heads)
        assert max(shape.neurons) <= max(own.neurons)
        assert shape not in measured or own == TINY  # it has one size of each
    assert checks == check_shapes(own, 4)


def test_a_deep_or_uneven_checkpoint_is_checked_itself():
    for own in (BASE, UNEVEN, MOBILE):
        assert check_shapes(own, 4)[0] == replace(own, vocabulary=own.positions + 64)
    assert check_shapes(SMALL, 4)[0].neurons != SMALL.neurons  # it is among the measured ones


@pytest.mark.parametrize("count", [2, 3, 4, 16])
def test_sizes_ascend_to_the_largest_in_multiples(count):
    for most in (*range(1, 40), 312, 1200, 3072):
        sizes = neuron_sizes(replace(TINY, neurons=(most,)), count)
        assert sizes == sorted(set(sizes))
        assert sizes[-1] == most
        assert 1 <= len(sizes) <= count
        assert all(each % 8 == 0 for each in sizes[:-1])


def truth(shape, base=0.2):
    """Milliseconds that add up exactly, as in a machine without noise."""
    attention = sum(0.3 + 0.1 * heads for heads in shape.heads)
    return base + attention + sum(0.001 * neurons for neurons in shape.neurons)


@pytest.mark.parametrize("base", [0.0, 0.2])
def test_what_adds_up_is_found(own, base):
    shapes = measured_shapes(own, 4)
    parts = fit(shapes, np.array([truth(each, base) for each in shapes]))
    if own is not TINY:
        assert parts.base == pytest.approx(base, abs=1e-9)
    smallest = min(parts.ffn)
    assert parts.ffn[smallest] == 0
    for neurons, milliseconds in parts.ffn.items():
        assert milliseconds == pytest.approx(0.001 * (neurons - smallest), abs=1e-9)
    for one, other in zip(list(parts.attention), list(parts.attention)[1:], strict=False):
        assert parts.attention[other] - parts.attention[one] == pytest.approx(0.1 * (other - one), abs=1e-9)


def test_shapes_that_were_not_measured_are_predicted(own):
    parts = fit(shapes := measured_shapes(own, 4), np.array([truth(each) for each in shapes]))
    table = table_of(own, parts)
    for shape in [own, *check_shapes(own, 4)]:
        if min(shape.neurons) >= min(table.ffn):
            assert latency_ms(shape, table) == pytest.approx(truth(shape))


def table_of(own, parts):
    kind = {"family": own.family, "hidden": own.hidden, "head_size": own.head_size}
    where = {"length": 32, "format": "optimized", "threads": 1, "processor": "none"}
    return LatencyTable(**kind, **where, base_ms=parts.base, attention=parts.attention, ffn=parts.ffn)


def test_noise_makes_no_part_negative():
    shapes, random = measured_shapes(SMALL, 4), np.random.default_rng(0)
    for _ in range(20):
        noisy = np.array([truth(each) for each in shapes]) * random.uniform(0.5, 2, len(shapes))
        parts = fit(shapes, noisy)
        assert min(parts.base, *parts.attention.values(), *parts.ffn.values()) >= 0


def test_calls_take_turns_and_the_quick_rounds_count(monkeypatch):
    now, order = [0.0], []
    monkeypatch.setattr(timing_module.time, "thread_time", lambda: now[0])

    def call(name, seconds):
        def run():
            order.append(name)
            now[0] += seconds * (100 if len(order) % 3 == 0 else 1)  # a neighbour comes and goes

        return run

    found = in_turns([call("a", 0.001), call("b", 0.002)], repeats=30, threads=1)
    assert order == ["a", "b"] * (WARM_UP + 30)
    assert_allclose(found, [1, 2])
    assert QUICKER < 100 * 2 / 3


def test_several_threads_are_timed_by_the_wall(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(timing_module.time, "perf_counter", lambda: now[0])

    def call():
        now[0] += 0.005

    assert_allclose(in_turns([call], repeats=10, threads=2), [5])


def test_equal_layers_are_as_they_say():
    shape = even(MOBILE, 2, 4, 128)
    assert (shape.heads, shape.neurons) == ((4, 4), (128,) * 8)
