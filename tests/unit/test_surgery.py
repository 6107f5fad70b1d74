"""Surgery against the slow way: silence a unit in the whole model, leave out a layer, normalise over some channels."""

import copy
import re

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from potstill.errors import InputError
from potstill.prune.shape import shape_of
from potstill.prune.structure import attentions, feed_forwards, is_mobile, layers
from potstill.prune.surgery import cut, cut_hidden, cut_positions, drop_layers
from tests.pruned_models import SHORT, STOCK, UNEVEN, bert, heads_and_neurons, mobilebert, some, start_of, uneven, whole

VOCABULARY = 50


@pytest.fixture
def texts():
    dice = torch.Generator().manual_seed(0)
    ids = torch.randint(5, VOCABULARY, (4, 9), generator=dice)
    return {"input_ids": ids, "attention_mask": (torch.arange(9) < torch.tensor([9, 5, 7, 2])[:, None]).long()}


@torch.no_grad()
def logits(model, texts):
    return model(**texts).logits


def silence(linear, kept, size=1):
    """Give the input channels of units that are cut no weight."""
    gone = torch.ones(linear.in_features // size, size)
    gone[kept] = 0
    linear.weight.data[:, gone.reshape(-1).bool()] = 0


# ------------------------------------------------------------------------------------------------ structure


@pytest.mark.parametrize("name", ["bert", "heads", "mobile"])
def test_the_linears_are_found_in_order_of_execution(name, texts):
    model = bert(VOCABULARY) if name == "bert" else uneven(name, VOCABULARY)
    ran = []
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.register_forward_hook(lambda module, *_: ran.append(module))
    logits(model, texts)
    found = [each for network in feed_forwards(model) for each in (network.first, network.second)]
    assert [each for each in ran if each in found] == found
    of_layers = [network.layer for network in feed_forwards(model)]
    assert of_layers == sorted([0, 1, 2] * (len(found) // 6))


def test_each_attention_tells_its_own_shape():
    model = heads_and_neurons(bert(VOCABULARY))
    assert [(each.layer, each.heads, each.head_size) for each in attentions(model)] == [(0, 3, 8), (1, 1, 8), (2, 4, 8)]
    assert [each.output.in_features for each in attentions(model)] == [24, 8, 32]
    assert attentions(mobilebert(VOCABULARY)) == []
    assert [is_mobile(each) for each in (model, mobilebert(VOCABULARY))] == [False, True]


# ------------------------------------------------------------------------------------------------ heads, neurons


@pytest.mark.parametrize("start", ["bert", "uneven"])
def test_cutting_equals_silencing(start, texts):
    model = bert(VOCABULARY) if start == "bert" else heads_and_neurons(bert(VOCABULARY))
    heads = [some(each.heads, max(1, each.heads - 1), 5) for each in attentions(model)]
    neurons = [some(each.first.out_features, 9 + each.layer, 6) for each in feed_forwards(model)]
    smaller = cut(model, heads, neurons)
    for attention, kept in zip(attentions(model), heads, strict=True):
        silence(attention.output, kept, attention.head_size)
    for network, kept in zip(feed_forwards(model), neurons, strict=True):
        silence(network.second, kept)
    assert [each.heads for each in attentions(smaller)] == [len(each) for each in heads]
    assert_close(logits(smaller, texts), logits(model, texts), rtol=1e-5, atol=1e-5)


def test_cutting_neurons_of_a_mobilebert_equals_silencing(texts):
    model = mobilebert(VOCABULARY)
    neurons = [some(40, 8 + 2 * number, number) for number in range(12)]
    smaller = cut(model, [], neurons)
    for network, kept in zip(feed_forwards(model), neurons, strict=True):
        silence(network.second, kept)
    assert smaller.config.ffn_per_layer == [[8, 10, 12, 14], [16, 18, 20, 22], [24, 26, 28, 30]]
    assert_close(logits(smaller, texts), logits(model, texts), rtol=1e-5, atol=1e-5)


def test_nothing_is_emptied():
    model = bert(VOCABULARY)
    none, neurons = torch.arange(0), [torch.arange(64)] * 3
    with pytest.raises(InputError, match=r"no heads would be left in 1, 2; keep at least one in each"):
        cut(model, [torch.arange(4), none, none], neurons)
    with pytest.raises(InputError, match=r"no neurons would be left in 0"):
        cut(model, whole(model), [none, *neurons[1:]])
    with pytest.raises(InputError, match="no channels would be left"):
        cut_hidden(model, none)


# ------------------------------------------------------------------------------------------------ layers


@pytest.mark.parametrize("name", ["bert", "heads", "mobile"])
@pytest.mark.parametrize("kept", [[0, 2], [1], [0, 1, 2]])
def test_dropping_equals_leaving_the_layer_out(name, kept, texts):
    model = bert(VOCABULARY) if name == "bert" else uneven(name, VOCABULARY)
    smaller = drop_layers(model, kept)
    model.base_model.encoder.layer = nn.ModuleList(layers(model)[number] for number in kept)
    assert len(layers(smaller)) == smaller.config.num_hidden_layers == len(kept)
    assert torch.equal(logits(smaller, texts), logits(model, texts))


@pytest.mark.parametrize("kept", [[], [3], [-1, 0]])
def test_layers_that_are_not_there_are_refused(kept):
    with pytest.raises(InputError, match=rf"layers to keep must be some of 0 to 2, got {re.escape(str(kept))}"):
        drop_layers(bert(VOCABULARY), kept)


# ------------------------------------------------------------------------------------------------ hidden width


class NormOfSome(nn.Module):
    """LayerNorm over some channels only; the others are 0."""

    def __init__(self, norm, kept):
        super().__init__()
        self.norm, self.kept = norm, kept

    def forward(self, hidden):
        some_of_it, out = hidden[..., self.kept], torch.zeros_like(hidden)
        mean, spread = some_of_it.mean(-1, keepdim=True), some_of_it.var(-1, unbiased=False, keepdim=True)
        scaled = (some_of_it - mean) / (spread + self.norm.eps).sqrt()
        out[..., self.kept] = scaled * self.norm.weight[self.kept] + self.norm.bias[self.kept]
        return out


@pytest.mark.parametrize("name", ["bert", "heads"])
@pytest.mark.parametrize("width", [32, 24, 25, 8])
def test_cutting_hidden_width_equals_a_stream_that_is_nought_elsewhere(name, width, texts):
    model = bert(VOCABULARY) if name == "bert" else uneven(name, VOCABULARY)
    kept = some(32, width, 3)
    smaller = cut_hidden(model, kept)
    gone = torch.ones(32, dtype=torch.bool)
    gone[kept] = False
    for parent in list(model.modules()):
        for child, module in list(parent.named_children()):
            if isinstance(module, nn.LayerNorm):
                setattr(parent, child, NormOfSome(module, kept))
    model.bert.pooler.dense.weight.data[gone] = 0
    model.bert.pooler.dense.bias.data[gone] = 0
    assert smaller.config.hidden_size == width
    assert [each.heads for each in attentions(smaller)] == [each.heads for each in attentions(model)]
    assert_close(logits(smaller, texts), logits(model, texts), rtol=1e-4, atol=1e-5)


def test_the_hidden_width_of_a_mobilebert_stays():
    with pytest.raises(InputError, match="hidden width of a MobileBERT cannot be cut"):
        cut_hidden(mobilebert(VOCABULARY), torch.arange(8))


# ------------------------------------------------------------------------------------------------ positions


@pytest.mark.parametrize("name", ["bert", "heads", "mobile"])
def test_positions_that_no_text_reaches_change_nothing(name, texts):
    model = bert(VOCABULARY) if name == "bert" else uneven(name, VOCABULARY)
    for length, rows in ((9, 9), (64, 64), (100, 64)):
        shorter = cut_positions(model, length)
        assert torch.equal(logits(shorter, texts), logits(model, texts))
        assert shorter.base_model.embeddings.position_embeddings.num_embeddings == rows
        assert shorter.config.max_position_embeddings == rows
    with pytest.raises(RuntimeError):
        logits(cut_positions(model, 8), texts)
    with pytest.raises(InputError, match="at least 1 token, got 0"):
        cut_positions(model, 0)


# ------------------------------------------------------------------------------------------------ all cuts


CUTS = {
    **{f"uneven {name}": make for name, make in UNEVEN.items()},
    **{f"stock {n}": make for n, make in STOCK.items()},
}


@pytest.mark.parametrize("name", CUTS)
def test_the_old_model_and_the_dice_stay_as_they_were(name, texts):
    model = start_of(name.partition(" ")[2], VOCABULARY)
    before, dice = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    config = model.config.to_dict()
    smaller = CUTS[name](model)
    assert torch.equal(torch.get_rng_state(), dice)
    assert not smaller.training
    with torch.no_grad():
        for parameter in smaller.parameters():
            parameter.zero_()
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())
    assert model.config.to_dict() == config


@pytest.mark.parametrize("name", CUTS)
def test_what_stays_keeps_its_weights(name):
    """Every number of the smaller model is one of the old model's tensor of the same place."""
    model = start_of(name.partition(" ")[2], VOCABULARY)
    smaller = CUTS[name](model)
    old = {float(each) for tensor in model.state_dict().values() for each in tensor.flatten()}
    assert {float(each) for tensor in smaller.state_dict().values() for each in tensor.flatten()} <= old
    assert sum(each.numel() for each in smaller.parameters()) < sum(each.numel() for each in model.parameters())


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_the_attention_stays_what_it_was(attention):
    smaller = heads_and_neurons(bert(VOCABULARY, attention))
    assert smaller.config._attn_implementation == attention
    assert cut_positions(smaller, SHORT).config._attn_implementation == attention


def test_a_model_is_cut_again_and_again(texts):
    """Two cuts of each kind, one after the other, are one cut of what stays in the end."""
    model = bert(VOCABULARY)
    twice = model
    for _ in range(2):
        heads = [torch.arange(max(1, each.heads - 1)) for each in attentions(twice)]
        neurons = [torch.arange(each.first.out_features - 8) for each in feed_forwards(twice)]
        twice = cut_hidden(cut(twice, heads, neurons), torch.arange(twice.config.hidden_size - 3))
    twice = cut_positions(drop_layers(drop_layers(twice, [0, 2]), [1]), 9)
    once = cut(drop_layers(model, [2]), [torch.arange(2)], [torch.arange(48)])
    once = cut_positions(cut_hidden(once, torch.arange(26)), 9)
    assert shape_of(once.config) == shape_of(twice.config)
    assert torch.equal(logits(once, texts), logits(twice, texts))


def test_half_precision_stays():
    assert heads_and_neurons(bert(VOCABULARY).bfloat16()).dtype == torch.bfloat16
