"""What the inputs of linears are like, against all their values laid side by side."""

from bisect import bisect_right

import numpy as np
import pytest
import torch
from torch.testing import assert_close
from transformers import (
    AlbertConfig,
    AlbertForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    MobileBertConfig,
    MobileBertForSequenceClassification,
)

from potstill.data.batches import of_equal_length, pad
from potstill.data.tokens import from_rows
from potstill.errors import InputError
from potstill.measure.torch_session import answer
from potstill.qat.histogram import BINS, Histogram
from potstill.qat.ranges import BATCH, collect, linears

SHAPE = {"vocab_size": 40, "num_attention_heads": 4, "initializer_range": 0.3, "max_position_embeddings": 16}
LENGTHS = [3 + row % 5 for row in range(13)]
QUERY, FIRST, CLASSIFIER = (
    "bert.encoder.layer.0.attention.self.query",
    "bert.encoder.layer.0.output.dense",
    "classifier",
)


def table_of(lengths):
    random = np.random.default_rng(0)
    return from_rows([random.integers(5, 40, each).astype(np.int32) for each in lengths], np.zeros(len(lengths)))


TABLE = table_of(LENGTHS)


def bert(**named):
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "intermediate_size": 12}
    return BertForSequenceClassification(BertConfig(**SHAPE, **shape, **named)).eval()


def inputs_of(model, table):
    """All values that went into each linear, (values, in): what the statistics are a summary of."""
    found, hooks = {}, []
    for name, module in linears(model).items():
        seen = found.setdefault(name, [])
        hooks.append(
            module.register_forward_hook(lambda _m, args, _o, seen=seen: seen.append(args[0].flatten(0, -2).clone()))
        )
    with torch.inference_mode():
        for rows in of_equal_length(table, BATCH):
            answer(model, pad(table, rows))
    for hook in hooks:
        hook.remove()
    return {name: torch.cat(seen) for name, seen in found.items() if seen}


def slow_counts(values, low, high):
    edges, counts = np.linspace(low, high, BINS + 1).tolist(), [0] * BINS
    for value in values:
        counts[min(bisect_right(edges, value) - 1, BINS - 1)] += 1
    return counts


# --------------------------------------------------------------------------------------------------- batches


def test_batches_of_equal_length_hold_every_row_once_and_no_padding():
    batches = list(of_equal_length(TABLE, 2))
    assert sorted(np.concatenate(batches).tolist()) == list(range(13))
    lengths = [TABLE.lengths[rows].tolist() for rows in batches]
    assert all(len(each) <= 2 and len(set(each)) == 1 for each in lengths)
    assert [each[0] for each in lengths] == sorted((each[0] for each in lengths), reverse=True)
    assert all(pad(TABLE, rows).attention_mask.all() for rows in batches)


def test_no_rows_are_no_batches():
    assert list(of_equal_length(table_of([]), 2)) == []
    assert collect(bert(), table_of([])) == {}


# ------------------------------------------------------------------------------------------------- statistics


def test_they_are_what_a_look_at_every_value_tells():
    model = bert(hidden_act="relu")
    seen, values = collect(model, TABLE), inputs_of(model, TABLE)
    assert seen.keys() == values.keys() == linears(model).keys()
    for name, each in seen.items():
        every = values[name].flatten().tolist()
        assert (each.low, each.high) == (min(0.0, *every), max(0.0, *every))
        assert each.zeros == every.count(0.0)
        assert each.counts.dtype == np.int64
        assert each.counts.tolist() == slow_counts(every, each.low, each.high)
        assert_close(each.channels, values[name].abs().amax(0), rtol=0, atol=0)
    assert seen[FIRST].zeros > 0 == seen[QUERY].zeros
    assert seen[FIRST].low == 0 > seen[QUERY].low


def test_a_text_alone_shows_the_same_as_among_others():
    model = bert()
    together, alone = collect(model, TABLE), [collect(model, TABLE.take([row])) for row in range(13)]
    for name, each in together.items():
        assert each.low == pytest.approx(min(one[name].low for one in alone), rel=1e-5)
        assert each.high == pytest.approx(max(one[name].high for one in alone), rel=1e-5)
        assert each.counts.sum() == sum(one[name].counts.sum() for one in alone)
        assert_close(each.channels, torch.stack([one[name].channels for one in alone]).amax(0), rtol=1e-5, atol=1e-5)
    assert together[QUERY].counts.sum() == sum(LENGTHS) * 16
    assert together[CLASSIFIER].counts.sum() == 13 * 16


def test_the_model_is_as_before_and_twice_is_the_same():
    model = bert().train()
    before = {key: each.clone() for key, each in model.state_dict().items()}
    one, two = collect(model, TABLE), collect(model, TABLE)
    assert all(torch.equal(each, before[key]) for key, each in model.state_dict().items())
    assert not any(module._forward_pre_hooks for module in model.modules())
    for name, each in one.items():
        assert (each.low, each.high, each.zeros) == (two[name].low, two[name].high, two[name].zeros)
        assert np.array_equal(each.counts, two[name].counts)
        assert torch.equal(each.channels, two[name].channels)


def test_smoothing_divides_what_is_looked_at():
    model = bert()
    factors = torch.rand(16, generator=torch.Generator().manual_seed(0)) + 0.5
    plain, smoothed = collect(model, TABLE), collect(model, TABLE, {QUERY: factors})
    values = (inputs_of(model, TABLE)[QUERY] / factors).flatten()
    assert_close(smoothed[QUERY].channels, plain[QUERY].channels / factors)
    assert smoothed[QUERY].low == pytest.approx(values.min().item())
    assert smoothed[QUERY].high == pytest.approx(values.max().item())
    assert smoothed[QUERY].counts.sum() == plain[QUERY].counts.sum()
    for name in plain.keys() - {QUERY}:
        assert np.array_equal(smoothed[name].counts, plain[name].counts)


def test_a_linear_that_several_layers_share_is_seen_in_each_of_them():
    torch.manual_seed(0)
    config = AlbertConfig(**SHAPE, hidden_size=16, embedding_size=8, num_hidden_layers=3, intermediate_size=12)
    model = AlbertForSequenceClassification(config).eval()
    seen, values = collect(model, TABLE), inputs_of(model, TABLE)
    name = "albert.encoder.albert_layer_groups.0.albert_layers.0.ffn"
    assert seen[name].counts.sum() == 3 * sum(LENGTHS) * 16
    assert seen[name].high == values[name].max()
    assert seen[name].counts.tolist() == slow_counts(values[name].flatten().tolist(), seen[name].low, seen[name].high)


def test_a_linear_that_no_row_goes_through_has_no_statistics():
    inside = {"intra_bottleneck_size": 8, "true_hidden_size": 8, "embedding_size": 8, "num_feedforward_networks": 2}
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "intermediate_size": 6, "use_bottleneck_attention": True}
    model = MobileBertForSequenceClassification(MobileBertConfig(**SHAPE, **inside, **shape)).eval()
    idle = linears(model).keys() - collect(model, TABLE).keys()
    assert idle == {"mobilebert.encoder.layer.0.bottleneck.attention.dense"}


def test_an_input_that_is_always_0_lies_in_the_first_bin():
    model = bert()
    with torch.no_grad():
        model.bert.embeddings.LayerNorm.weight.zero_()
        model.bert.embeddings.LayerNorm.bias.zero_()
    seen = collect(model, TABLE)[QUERY]
    assert (seen.low, seen.high, seen.zeros) == (0.0, 0.0, sum(LENGTHS) * 16)
    assert seen.counts[0] == seen.counts.sum() == seen.zeros
    assert not seen.channels.any()


@pytest.mark.parametrize("side", [50.0, -50.0])
def test_0_is_in_the_range_where_all_values_lie_on_one_side(side):
    model = bert()
    model.bert.embeddings.LayerNorm.bias.data.fill_(side)
    seen, values = collect(model, TABLE)[QUERY], inputs_of(model, TABLE)[QUERY]
    assert (values.sign() == values.sign()[0, 0]).all()
    assert (seen.low, seen.high) == ((0.0, values.max()) if side > 0 else (values.min(), 0.0))
    assert seen.zeros == 0 == seen.counts[[-1, 0][side > 0]]
    assert seen.counts.tolist() == slow_counts(values.flatten().tolist(), seen.low, seen.high)


@pytest.mark.parametrize("value", [1e-42, 3e38])
def test_ranges_as_small_and_as_large_as_numbers_get_are_counted(value):
    values = torch.tensor([[value, -value], [value / 2, 0.0]])
    histogram = Histogram(float(values.min()), float(values.max()))
    histogram.add(values)
    assert histogram.counts.sum() == 4
    assert histogram.counts[[0, -1]].tolist() == [1, 1]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused_by_name(value):
    model = bert()
    model.bert.encoder.layer[0].output.LayerNorm.bias.data[3] = value
    with pytest.raises(
        InputError, match=r"NaN or infinite on the calibration rows.*layer\.1\.attention\.self\.query"
    ) as told:
        collect(model, TABLE)
    assert "classifier" in str(told.value)
    assert "layer.0" not in str(told.value)
    assert not any(module._forward_pre_hooks for module in model.modules())
