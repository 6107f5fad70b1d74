"""Ranges of inputs from what was seen of them, against sorted values and against sums spelled out."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from potstill.encoder.quantization import input_scale
from potstill.qat.calibration import CALIBRATIONS, calibrate, entropy
from potstill.qat.histogram import BINS, Histogram
from potstill.qat.ranges import InputStatistics

VALUES = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=300)
GAUSS = np.random.default_rng(0).standard_normal(200_000)


def statistics(values):
    values = torch.tensor(np.asarray(values, np.float32))
    histogram = Histogram(min(float(values.min()), 0.0), max(float(values.max()), 0.0))
    histogram.add(values)
    return InputStatistics(histogram.low, histogram.high, histogram.counts, histogram.zeros, values.abs())


def chosen(how, values, percentile=99.99):
    return calibrate(how, statistics(values), percentile)


def error(values, limits):
    """Root of the mean square of what quantisation moves the values by."""
    scale, zero = input_scale(*limits)
    moved = torch.fake_quantize_per_tensor_affine(torch.tensor(values), scale, zero, 0, 255) - torch.tensor(values)
    return float(moved.square().mean().sqrt())


# ---------------------------------------------------------------------------------------------------- every way


@pytest.mark.parametrize("how", CALIBRATIONS)
@settings(max_examples=60, deadline=None)
@given(values=VALUES)
def test_0_is_in_the_range_and_the_range_in_what_was_seen(how, values):
    seen = statistics(values)
    low, high = calibrate(how, seen, 99.0)
    assert seen.low <= low <= 0.0 <= high <= seen.high


@pytest.mark.parametrize("how", CALIBRATIONS)
def test_one_value_is_held(how):
    for value in (2.5, -2.5, 1e-30):
        low, high = chosen(how, [value])
        assert low <= np.float32(value) <= high
        assert high - low == abs(np.float32(value))
    assert chosen(how, [0.0] * 9) == (0.0, 0.0)


@pytest.mark.parametrize("how", CALIBRATIONS)
def test_a_side_that_has_no_values_gets_no_steps(how):
    low, high = chosen(how, np.abs(GAUSS))
    assert low == 0.0 < high
    low, high = chosen(how, -np.abs(GAUSS))
    assert low < 0.0 == high


@pytest.mark.parametrize("how", ["minmax", "percentile"])
def test_both_ends_are_treated_alike(how):
    values = np.append(GAUSS, 3 * np.abs(GAUSS[:5000]))
    low, high = chosen(how, values)
    assert chosen(how, -values) == pytest.approx((-high, -low))


def test_minmax_is_all_that_was_seen():
    assert chosen("minmax", [-1.5, 0.5, 7.0]) == (-1.5, 7.0)
    assert chosen("minmax", [3.0, 7.0]) == (0.0, 7.0)


# --------------------------------------------------------------------------------------------------- percentile


@settings(max_examples=100, deadline=None)
@given(values=VALUES, percentile=st.sampled_from([50.5, 75.0, 90.0, 99.0, 99.9]))
def test_the_percentile_is_that_of_the_sorted_values_within_a_bin(values, percentile):
    seen, ordered = statistics(values), sorted(np.float32(values).tolist())
    out = math.floor(len(ordered) * (100 - percentile) / 200)
    bin_width = (seen.high - seen.low) / BINS * (1 + 1e-6)
    low, high = calibrate("percentile", seen, percentile)
    assert low == pytest.approx(min(ordered[out], 0.0), rel=0, abs=bin_width)
    assert high == pytest.approx(max(ordered[-1 - out], 0.0), rel=0, abs=bin_width)


@settings(max_examples=60, deadline=None)
@given(values=VALUES, percentiles=st.lists(st.floats(50.5, 100), min_size=2, max_size=5))
def test_a_greater_percentile_is_a_range_that_holds_the_smaller_one_s(values, percentiles):
    seen = statistics(values)
    ranges = [calibrate("percentile", seen, each) for each in sorted(percentiles)]
    lows, highs = zip(*ranges, strict=True)
    assert list(lows) == sorted(lows, reverse=True)
    assert list(highs) == sorted(highs)


@settings(max_examples=60, deadline=None)
@given(values=VALUES)
def test_percentile_100_is_minmax(values):
    assert chosen("percentile", values, 100.0) == chosen("minmax", values)


def test_the_percentile_is_found_within_a_bin_when_few_bins_hold_all():
    values = np.append(np.linspace(0, 1, 10_001), 10_000.0)  # all but one in a bin of width 4.9
    assert chosen("percentile", values, 99.0)[1] == pytest.approx(0.995 * 10_000 / BINS, rel=1e-3)


# ------------------------------------------------------------------------------------------------------ entropy


def slow_divergence(counts, first, end, levels):
    """What the talk's pseudo-code computes, bin by bin."""
    p = [float(each) for each in counts[first:end]]
    p[0] += sum(counts[:first])
    p[-1] += sum(counts[end:])
    q = [0.0] * len(p)
    for level in range(levels):
        inside = [k for k in range(len(p)) if k * levels // len(p) == level]
        own = sum(counts[first + k] for k in inside)
        used = [k for k in inside if p[k] > 0]
        for k in used:
            q[k] = (own or entropy.UNSEEN) / len(used)
    return sum(a / sum(p) * math.log(a / sum(p) / (b / sum(q))) for a, b in zip(p, q, strict=True) if a)


def slow_range(counts, zero, bins, levels, step):
    """The first of the least divergent ranges that hold the bin of 0; the widest come first."""
    best = None
    for first in range(0, zero + 1, step):
        for end in range(bins, zero, -step):
            if end - first >= levels:
                divergence = slow_divergence(counts, first, end, levels)
                if best is None or divergence < best[0] - 1e-12:
                    best = divergence, first, end
    return best


@settings(max_examples=150, deadline=None)
@given(
    counts=st.lists(st.sampled_from([0, 0, 1, 2, 5, 30, 1000]), min_size=64, max_size=64).filter(any),
    low=st.integers(-64, 0),
)
def test_the_range_is_the_one_that_a_search_spelled_out_finds(counts, low):
    seen = InputStatistics(float(low), float(low + 64), np.array(counts), 0, torch.ones(1))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"BINS": 64, "LEVELS": 8, "STEP": 3}.items():
            patch.setattr(entropy, name, value)
        found = calibrate("entropy", seen, 0.0)
    zero = min(-low, 63)
    divergence, first, end = slow_range(counts, zero, 64, 8, 3)
    told = slow_divergence(counts, round(found[0] - low), round(found[1] - low), 8)
    assert found == (low + first, low + end) or told == pytest.approx(divergence, abs=1e-9)


def test_the_divergence_is_the_talk_s_with_all_its_bins_and_levels():
    counts = statistics(GAUSS).counts
    ranges = np.array([[0, 2048], [32, 2048], [512, 1600], [992, 1248], [0, 1120], [96, 1999]])
    found = entropy._divergences(counts.astype(float), *ranges.T)
    assert found.tolist() == pytest.approx([slow_divergence(counts.tolist(), *each, 256) for each in ranges.tolist()])


def test_entropy_clips_few_values_that_lie_far_out_and_minmax_none():
    values = GAUSS.astype(np.float32)
    values[:4] = [35.0, 37.0, 38.0, 40.0]
    low, high = chosen("entropy", values)
    assert low == pytest.approx(GAUSS.min(), abs=1)
    assert 3.5 < high < 8
    bulk = values[4:]
    assert error(bulk, (low, high)) < error(bulk, chosen("minmax", values)) / 3


def test_entropy_clips_nothing_of_what_is_spread_evenly():
    values = np.linspace(-1, 3, 100_000)
    assert chosen("entropy", values) == chosen("minmax", values)


def test_entropy_and_percentile_keep_the_short_side_of_a_gelu():
    values = torch.nn.functional.gelu(torch.from_numpy(2 * GAUSS - 1)).numpy()
    for how in ("entropy", "percentile"):
        low, high = chosen(how, values)
        assert low == pytest.approx(-0.17, abs=0.01)
        assert 4 < high < values.max()


def test_zeros_have_no_say_in_entropy():
    """As after a ReLU, where half of all values are 0."""
    positive = np.abs(GAUSS)
    assert chosen("entropy", np.append(positive, np.zeros(500_000))) == chosen("entropy", positive)


def test_a_few_hundred_values_lose_a_few_at_most():
    for seed in range(20):
        values = np.random.default_rng(seed).standard_normal(300)
        low, high = chosen("entropy", values)
        assert ((values < low) | (values > high)).mean() < 0.03
