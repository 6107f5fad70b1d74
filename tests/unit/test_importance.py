"""What says which units a model can spare, against slow references: weights set to zero, derivatives by differences."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    MobileBertConfig,
    MobileBertForSequenceClassification,
)

from potstill.data.batches import by_length, pad
from potstill.data.tokens import NO_LABEL, from_rows
from potstill.errors import InputError
from potstill.prune.importance import NAMES, hidden_importance, importance_of, layer_importance, taylor_importance
from potstill.prune.importance.hidden import masked
from potstill.prune.selection import select
from potstill.prune.structure import attentions, feed_forwards, layers
from potstill.prune.surgery import cut, cut_hidden, drop_layers
from potstill.training.cross_entropy import CrossEntropy
from potstill.training.objective import Objective, to_inputs
from potstill.training.options import TrainingOptions
from potstill.training.resume import Checkpoints

CPU = torch.device("cpu")
OPTIONS = TrainingOptions(batch_size=5, learning_rate=1e-3, threads=1, dtype="float32")
SHAPE = {"vocab_size": 40, "num_attention_heads": 4, "initializer_range": 0.3, "max_position_embeddings": 16}
ROWS = 13  # batches of 5, 5 and 3
TABLE = from_rows(
    [np.random.default_rng(row).integers(5, 40, 3 + row % 7).astype(np.int32) for row in range(ROWS)],
    np.array([NO_LABEL if row in (2, 9) else row % 2 for row in range(ROWS)]),
)


def bert():
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "intermediate_size": 12}
    model = BertForSequenceClassification(BertConfig(**SHAPE, **shape)).eval()
    for name, parameter in model.named_parameters():  # random norms and biases: what is 1 or 0 hides mistakes
        if parameter.ndim == 1:
            nn.init.normal_(parameter, 1.0 if "LayerNorm.weight" in name else 0.0, 0.3)
    return model


def uneven():
    heads, neurons = [torch.tensor([0, 2, 3]), torch.tensor([1])], [torch.arange(0, 12, 2), torch.arange(5)]
    return cut_hidden(cut(bert(), heads, neurons), torch.arange(1, 15))


def mobilebert():
    torch.manual_seed(0)
    inside = {"intra_bottleneck_size": 8, "true_hidden_size": 8, "embedding_size": 8, "num_feedforward_networks": 3}
    config = MobileBertConfig(**SHAPE, hidden_size=16, num_hidden_layers=2, intermediate_size=6, **inside)
    return MobileBertForSequenceClassification(config).eval()


MODELS = {"bert": bert, "uneven": uneven, "mobilebert": mobilebert}


class Nats(Objective):
    """Cross-entropy in the precision of the model, so that differences tell derivatives."""

    def forward(self, model, batch):
        logits = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
        return nn.functional.cross_entropy(logits, batch.labels, ignore_index=NO_LABEL)


def batches_of(size=5):
    return [to_inputs(pad(TABLE, rows), CPU) for rows in by_length(TABLE, size)]


def measure(name, model, seed=3):
    return importance_of(name, model, TABLE, CrossEntropy, OPTIONS, Checkpoints(), seed, "importance")


def as_units(groups):
    return [each / each.norm() for each in groups]


# ---------------------------------------------------------------------------------------------- every measure


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("name", NAMES)
def test_every_measure_weighs_every_unit_and_leaves_the_model(name, model):
    model = model()
    before = {key: each.clone() for key, each in model.state_dict().items()}
    heads, neurons = measure(name, model)
    assert [len(each) for each in heads] == [each.heads for each in attentions(model)]
    assert [len(each) for each in neurons] == [each.first.out_features for each in feed_forwards(model)]
    assert all(each.dtype == torch.float32 and not each.requires_grad for each in heads + neurons)
    if name != "random":
        assert_close(torch.stack([each.norm() for each in heads + neurons]), torch.ones(len(heads + neurons)))
    if name != "movement":
        assert all(each.min() >= 0 for each in heads + neurons)
    again = measure(name, model)
    assert all(torch.equal(one, two) for one, two in zip(heads + neurons, again[0] + again[1], strict=True))
    assert model.state_dict().keys() == before.keys()
    assert all(torch.equal(each, before[key]) for key, each in model.state_dict().items())
    assert all(each.grad is None for each in model.parameters())
    assert not model.training


@pytest.mark.parametrize("name", ["l1", "taylor", "movement"])
def test_what_is_no_number_is_refused(name):
    model = bert()
    model.bert.encoder.layer[0].output.dense.weight.data[0, 0] = float("nan")
    why = "loss became nan" if name == "movement" else rf"the importance '{name}' is no number in \d of 4 groups"
    with pytest.raises(InputError, match=why):
        measure(name, model)


# ------------------------------------------------------------------------------------------- magnitude, random


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize(("name", "power"), [("l1", 1), ("l2", 2)])
def test_magnitude_is_a_sum_over_all_that_a_cut_takes_away(name, power, model):
    model = model()
    heads, neurons = measure(name, model)

    def size(weights):
        return sum(abs(each) ** power for weight in weights for each in weight.flatten().tolist()) ** (1 / power)

    for found, each in zip(heads, attentions(model), strict=True):
        slow = []
        for head in range(each.heads):
            part = slice(head * each.head_size, (head + 1) * each.head_size)
            makes = [of[part] for linear in (each.query, each.key, each.value) for of in (linear.weight, linear.bias)]
            slow.append(size([*makes, each.output.weight[:, part]]))
        assert_close(found, *as_units([torch.tensor(slow)]))
    for found, each in zip(neurons, feed_forwards(model), strict=True):
        slow = [
            size([each.first.weight[n], each.first.bias[n], each.second.weight[:, n]])
            for n in range(each.first.out_features)
        ]
        assert_close(found, *as_units([torch.tensor(slow)]))


@pytest.mark.parametrize("name", ["l1", "l2"])
def test_magnitude_is_the_weights_that_are_gone_after_a_cut(name):
    """Of one unit and all others: what is missing from the smaller model, whichever way it is cut."""
    model, sums = bert(), []

    def weights(of):
        every = torch.cat([each.detach().flatten() for each in of.parameters()]).double()
        return float(every.abs().sum() if name == "l1" else every.square().sum())

    for head in range(4):
        left = cut(model, [torch.tensor([h for h in range(4) if h != head]), torch.arange(4)], [torch.arange(12)] * 2)
        sums.append(weights(model) - weights(left))
    slow = torch.tensor(sums) if name == "l1" else torch.tensor(sums).sqrt()
    assert_close(measure(name, model)[0][0], *as_units([slow]))


def test_chance_is_its_seed_and_spares_no_layer():
    model = bert()
    state = torch.random.get_rng_state()
    one, other = measure("random", model, seed=1), measure("random", model, seed=2)
    assert not torch.equal(one[0][0], other[0][0])
    assert torch.equal(state, torch.random.get_rng_state())
    smaller = uneven()
    shares = [[each.mean() for each in measure("random", smaller, seed)[1]] for seed in range(300)]
    assert_close(torch.tensor(shares).mean(0), torch.tensor([0.5, 0.5]), rtol=0, atol=0.04)


# ---------------------------------------------------------------------------------------------------- Taylor


def derivative(loss, weights, step=1e-5):
    """dL/dξ at ξ = 1 of a gate on some weights, by differences."""
    told = []
    for gate in (1 + step, 1 - step):
        with torch.no_grad():
            before = weights.clone()
            weights *= gate
            told.append(float(loss()))
            weights.copy_(before)
    return (told[0] - told[1]) / (2 * step)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_taylor_is_what_a_gate_on_the_unit_does_to_the_loss(model):
    model, objective, batches = model().double(), Nats(), batches_of()
    heads, neurons = taylor_importance(model, batches, objective)

    def slow(weight, unit, units):
        part = weight[:, unit * weight.shape[1] // units : (unit + 1) * weight.shape[1] // units]
        return sum(abs(derivative(lambda batch=batch: objective(model, batch), part)) for batch in batches)

    carriers = [(each.output.weight, each.heads) for each in attentions(model)]
    carriers += [(each.second.weight, each.first.out_features) for each in feed_forwards(model)]
    for found, (weight, units) in zip(heads + neurons, carriers, strict=True):
        expected = torch.tensor([slow(weight.detach(), unit, units) for unit in range(units)])
        assert_close(found, *as_units([expected]), rtol=1e-4, atol=1e-5)


def test_a_gate_on_a_head_s_values_is_the_gate_on_what_it_says():
    """So that nothing is missing where the rows that make a head are left out of its sum."""
    model, objective, (batch, *_) = bert().double(), Nats(), batches_of()
    for each in attentions(model):
        value, said = each.value, each.output.weight.detach()
        for head in range(4):
            part = slice(head * 4, head * 4 + 4)
            both = derivative(lambda: objective(model, batch), said[:, part])
            with torch.no_grad():
                rows = torch.cat([value.weight, value.bias[:, None]], 1)[part].clone()
            told = []
            for gate in (1 + 1e-5, 1 - 1e-5):
                with torch.no_grad():
                    value.weight[part], value.bias[part] = rows[:, :-1] * gate, rows[:, -1] * gate
                    told.append(float(objective(model, batch)))
            with torch.no_grad():
                value.weight[part], value.bias[part] = rows[:, :-1], rows[:, -1]
            assert (told[0] - told[1]) / 2e-5 == pytest.approx(both, rel=1e-5, abs=1e-9)


def planted():
    """A model that has no use for half of its heads and neurons, whose weights are the largest of all.

    What they add is the same for every channel, and the LayerNorm after them takes it away again.
    """
    model = bert()
    useless = [torch.tensor([0, 3]), torch.tensor([1, 2])], [torch.arange(0, 12, 2), torch.arange(6)]
    with torch.no_grad():
        for each, units in zip(attentions(model), useless[0], strict=True):
            for unit in units:
                each.output.weight[:, unit * 4 : unit * 4 + 4] = 2.0
        for each, units in zip(feed_forwards(model), useless[1], strict=True):
            each.second.weight[:, units] = 2.0
    return model, useless


def kept_by(name, model):
    heads, neurons = measure(name, model)
    return select(heads, 4), select(neurons, 12)


def harm(name, model):
    """How far the logits are off when half of all units are cut by a measure."""
    smaller, ids = cut(model, *kept_by(name, model)), torch.from_numpy(pad(TABLE, np.arange(ROWS)).input_ids)
    with torch.no_grad():
        return (smaller(input_ids=ids).logits - model(input_ids=ids).logits).abs().max().item()


def test_taylor_finds_what_is_useless_and_chance_and_magnitude_do_not():
    model, useless = planted()
    assert harm("taylor", model) < 1e-5
    for kept, planted_units in zip(kept_by("taylor", model), useless, strict=True):
        for stay, go in zip(kept, planted_units, strict=True):
            assert not set(stay.tolist()) & set(go.tolist())
    assert min(harm(name, model) for name in ("random", "l1", "l2")) > 0.01
    assert set(kept_by("l2", model)[1][0].tolist()) == set(useless[1][0].tolist())


# ---------------------------------------------------------------------------------------------------- layers


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_layer_s_importance_is_the_loss_without_it(model):
    model, whole = model(), to_inputs(pad(TABLE, np.arange(ROWS)), CPU)
    found = layer_importance(model, TABLE, CrossEntropy(), OPTIONS)
    loss = CrossEntropy()(model, whole)
    count, slow = len(layers(model)), []
    for without in range(count):
        smaller = drop_layers(model, [number for number in range(count) if number != without])
        slow.append(CrossEntropy()(smaller, whole) - loss)
    assert_close(found, torch.stack(slow).detach(), rtol=1e-3, atol=1e-6)
    assert not any("forward" in vars(layer) for layer in layers(model))


def test_a_layer_that_does_nothing_costs_nothing():
    model = bert()
    with torch.no_grad():
        layer = model.bert.encoder.layer[1]
        for block in (layer.attention.output, layer.output):
            block.dense.weight.zero_()
            block.dense.bias.zero_()
            block.LayerNorm.weight.copy_(model.bert.encoder.layer[0].output.LayerNorm.weight.fill_(1.0))
            block.LayerNorm.bias.copy_(model.bert.encoder.layer[0].output.LayerNorm.bias.zero_())
    found = layer_importance(model, TABLE, CrossEntropy(), OPTIONS)
    assert abs(found[1]) < 1e-6 < abs(found[0])


# -------------------------------------------------------------------------------------------------- hidden width


@pytest.mark.parametrize("model", [bert, uneven])
def test_a_hidden_channel_s_importance_is_what_the_mask_does_to_the_loss(model):
    model, objective, total = model().double(), Nats(), 0
    with masked(model) as mask, torch.no_grad():
        for batch in batches_of():
            each = [
                abs(derivative(lambda batch=batch: objective(model, batch), mask[channel]))
                for channel in range(len(mask))
            ]
            total = total + torch.tensor(each)
    found = hidden_importance(model, TABLE, objective, OPTIONS)
    assert_close(found, *as_units([total.float()]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("model", [bert, uneven])
def test_a_mask_of_zeros_is_the_cut(model):
    model, inputs = model(), to_inputs(pad(TABLE, np.arange(ROWS)), CPU)
    asked = {"input_ids": inputs.input_ids, "attention_mask": inputs.attention_mask}
    whole = model(**asked).logits
    kept = torch.tensor([0, 1, 4, 5, 6, 10, 12, 13])
    with masked(model) as mask, torch.no_grad():
        assert_close(model(**asked).logits, whole)
        mask.zero_()[kept] = 1.0
        told = model(**asked).logits
    assert_close(cut_hidden(model, kept)(**asked).logits, told)
    assert torch.equal(model(**asked).logits, whole)


def test_a_mobilebert_s_hidden_width_is_not_weighed():
    with pytest.raises(InputError, match="through LayerNorms, and mobilebert has none; leave its hidden width"):
        hidden_importance(mobilebert(), TABLE, CrossEntropy(), OPTIONS)
