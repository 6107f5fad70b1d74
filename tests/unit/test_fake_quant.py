"""Twins that train for int8 compute what integers would; their ranges follow what is seen, and then they stand."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.testing import assert_close

from potstill.data.batches import pad
from potstill.data.tokens import TRAIN, read_split
from potstill.encoder.checkpoint import load_classifier
from potstill.encoder.quantization import input_scale, snap, to_int8, weight_scale
from potstill.encoder.quantized_linears import FrozenLinear, freeze
from potstill.qat.fake_quant import QatEmbedding, QatLinear, observe, prepare, settle
from potstill.qat.following import MOMENTUM
from potstill.qat.objective import FreezingDistillation
from potstill.training.loop import fit
from potstill.training.objective import to_inputs
from potstill.training.options import TrainingOptions
from tests.twins import RANGE, factors, twins_of

CPU = torch.device("cpu")
LEARNED = pytest.mark.parametrize("learned", [False, True], ids=["following", "learned"])
SMOOTH = pytest.mark.parametrize("smooth", [False, True], ids=["plain", "smoothed"])


@pytest.fixture
def table(tiny_tokens):
    return read_split(tiny_tokens, TRAIN)


@pytest.fixture
def batch(table):
    return to_inputs(pad(table, np.arange(8)), CPU)


def logits(model, batch):
    with torch.no_grad():
        return model.eval()(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits


def trained(model, table, freeze_share=0.3, steps=6):
    """A few steps of qat's own training."""
    objective = FreezingDistillation(torch.randn(len(table), 2), 2.0, freeze_share)
    options = TrainingOptions(epochs=1, batch_size=8, learning_rate=1e-3, threads=1, dtype="float32")
    fit(model, table, objective, options, None, steps=steps)
    return model


def state_of(model):
    return {name: each.clone() for name, each in model.state_dict().items()}


def changed(model, before):
    return {name for name, each in model.state_dict().items() if not torch.equal(each, before[name])}


# ------------------------------------------------------------------------------------------------- forward


@pytest.mark.parametrize(("low", "high"), [(-1.0, 3.0), (0.5, 2.0), (-4.0, -1.0), (0.0, 0.0)])
def test_a_range_fits_and_zero_is_exact(low, high):
    scale, zero = input_scale(low, high)
    assert scale > 0
    assert 0 <= zero <= 255
    assert (0 - zero) * scale <= min(low, 0.0) + scale / 2 + 1e-6
    assert (255 - zero) * scale >= max(high, 0.0) - scale / 2 - 1e-6


@LEARNED
@SMOOTH
def test_a_linear_computes_what_integers_would(learned, smooth):
    torch.manual_seed(0)
    linear, hidden, smoothing = nn.Linear(16, 4), torch.randn(5, 16), factors(16) if smooth else torch.ones(16)
    twin = QatLinear(linear, RANGE, smoothing if smooth else None, learned=learned)
    scale, zero = input_scale(*RANGE)
    rows = weight_scale(linear.weight * smoothing)
    whole = torch.clamp(torch.round(hidden / smoothing / scale) + zero, 0, 255).to(torch.int64) - zero
    assert whole.min() == -zero  # some of it was clipped
    weight = to_int8(linear.weight * smoothing, rows).to(torch.int64)
    assert_close(twin(hidden), (whole @ weight.T).float() * scale * rows + linear.bias, rtol=1e-4, atol=1e-5)


@LEARNED
def test_an_embedding_is_looked_up_as_if_all_of_it_were_rounded(learned):
    torch.manual_seed(0)
    embedding, ids = nn.Embedding(9, 6, padding_idx=2), torch.tensor([[1, 2, 5], [5, 8, 0]])
    twin, weighting = QatEmbedding(copy.deepcopy(embedding), learned=learned), torch.randn(2, 3, 6)
    observe(twin, on=True)
    found, scale = twin(ids), weight_scale(embedding.weight)
    (found * weighting).sum().backward()
    assert torch.equal(found, functional.embedding(ids, snap(embedding.weight, scale)))
    # Straight through: as if nothing were rounded, save where a learned scale clips what lies beyond its last step.
    (embedding(ids) * weighting).sum().backward()
    inside = (embedding.weight / scale[:, None] < 127) | torch.tensor(not learned)
    assert_close(twin.weight.grad, embedding.weight.grad * inside)
    assert twin.weight.grad[2].abs().max() == 0
    assert (twin.weight.grad != 0).sum() > 15


@pytest.mark.parametrize("scale", [1.0, 1e-3, 3e-5, 0.0])
def test_the_largest_weight_of_a_row_has_a_gradient(scale):
    """Its scale is rounded, so that it may lie a little beyond the last step."""
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(64, 6) * scale)
    linear, embedding = nn.Linear(6, 64), nn.Embedding(64, 6)
    linear.weight, embedding.weight = weight, weight
    QatLinear(linear, RANGE, learned=False)(torch.ones(1, 6)).sum().backward()
    first = weight.grad.clone()
    QatEmbedding(embedding, learned=False)(torch.arange(64)).sum().backward()
    assert first.abs().min() > 0.9  # of inputs of 1, once they are rounded
    assert (weight.grad - first).abs().min() == 1


# ---------------------------------------------------------------------------------------------- settled scales


@LEARNED
@SMOOTH
def test_standing_twins_compute_what_their_settled_scales_do(learned, smooth, tiny_checkpoint, table, batch):
    torch.manual_seed(1)
    begun = settle(twins_of(load_classifier(tiny_checkpoint), learned=learned, smooth=smooth))
    model = trained(twins_of(load_classifier(tiny_checkpoint), learned=learned, smooth=smooth), table)
    standing = logits(model, batch)
    scales = settle(model)
    assert not torch.equal(standing, logits(copy.deepcopy(model), batch))  # they do round
    assert torch.equal(standing, logits(freeze(model, scales), batch))
    for name, each in scales.items():
        assert torch.equal(each.weight, each.weight.half().float())
        assert each.input is None or each.input != begun[name].input
        assert (each.smoothing is not None) == (smooth and each.input is not None)
    assert not torch.equal(scales["classifier"].weight, begun["classifier"].weight)


@LEARNED
def test_each_standing_linear_is_its_frozen_one(learned, tiny_checkpoint):
    torch.manual_seed(1)
    model = twins_of(load_classifier(tiny_checkpoint), learned=learned, smooth=True)
    for parameter in model.parameters():
        parameter.data += 1e-3 * torch.randn_like(parameter)
    twins = {name: copy.deepcopy(each) for name, each in model.named_modules() if isinstance(each, QatLinear)}
    scales = settle(model)
    assert len(twins) == 14
    for name, twin in twins.items():
        hidden, plain = torch.randn(3, 5, twin.weight.shape[1]), model.get_submodule(name)
        assert torch.equal(twin(hidden), FrozenLinear(plain, scales[name])(hidden)), name


def test_settling_leaves_the_model_as_it_was(tiny_checkpoint):
    model = load_classifier(tiny_checkpoint)
    before, kinds = state_of(model), [type(each) for each in model.modules()]
    scales = settle(twins_of(model, learned=True, smooth=True))
    assert len(scales) == 16
    assert model.state_dict().keys() == before.keys()
    assert not changed(model, before)
    assert [type(each) for each in model.modules()] == kinds


def test_a_linear_without_a_range_stays_float(tiny_checkpoint):
    model = load_classifier(tiny_checkpoint)
    classifier = model.classifier
    prepare(model, {"bert.pooler.dense": RANGE}, {}, learned=False)
    assert model.classifier is classifier
    assert {name for name, each in settle(model).items() if each.input is not None} == {"bert.pooler.dense"}


@LEARNED
def test_a_table_of_few_rows_is_trained_as_float(learned, tiny_checkpoint, batch):
    model = load_classifier(tiny_checkpoint)
    table = model.bert.embeddings.token_type_embeddings
    twins_of(model, learned=learned)(input_ids=batch.input_ids).logits.square().sum().backward()
    assert model.bert.embeddings.token_type_embeddings is table
    assert table.weight.grad[0].abs().min() > 0
    assert "bert.embeddings.token_type_embeddings" not in settle(model)


@LEARNED
def test_what_still_moves_is_not_settled(learned, tiny_checkpoint):
    model = twins_of(load_classifier(tiny_checkpoint), learned=learned)
    observe(model, on=True)
    with pytest.raises(
        ValueError,
        match=r"^(14|30) ranges and scales still observe \(bert\.\S+, .*\); call observe\(model, on=False\) first$",
    ):
        settle(model)
    assert isinstance(model.classifier, QatLinear)
    observe(model, on=False)
    assert settle(model)


# ------------------------------------------------------------------------------------------- following ranges


def test_a_range_is_the_moving_average_of_what_is_seen():
    torch.manual_seed(0)
    twin, (low, high) = QatLinear(nn.Linear(8, 3), RANGE, factors(8), learned=False), RANGE
    observe(twin, on=True)
    for size in (1.0, 5.0, 0.1):
        hidden = torch.randn(4, 6, 8) * size
        twin(hidden)
        low = (1 - MOMENTUM) * low + MOMENTUM * (hidden / factors(8)).min().item()
        high = (1 - MOMENTUM) * high + MOMENTUM * (hidden / factors(8)).max().item()
    assert (float(twin.input.low), float(twin.input.high)) == pytest.approx((low, high), rel=1e-6)
    assert twin.scales().input == pytest.approx(input_scale(low, high)[0], rel=1e-6)


def test_a_standing_range_does_not_move():
    twin = QatLinear(nn.Linear(8, 3), RANGE, learned=False)
    before = state_of(twin)
    twin(torch.randn(4, 8) * 100)
    assert not changed(twin, before)
    observe(twin, on=True)
    twin(torch.randn(4, 8) * 100)
    assert changed(twin, before) == {"input.low", "input.high"}


@LEARNED
@pytest.mark.parametrize(("progress", "moves"), [(0.0, True), (0.69, True), (0.7, False), (0.99, False)])
def test_ranges_move_in_the_first_part_of_training_alone(learned, progress, moves, tiny_checkpoint, table):
    model = twins_of(load_classifier(tiny_checkpoint), learned=learned)
    objective = FreezingDistillation(torch.randn(len(table), 2), 2.0, 0.3)
    before = state_of(model)
    objective(model, to_inputs(pad(table, np.arange(8)), CPU, progress)).backward()
    gradients = {name for name, each in model.named_parameters() if each.grad is not None and "growth" in name}
    assert (len(gradients) == 30 if learned else len(changed(model, before)) == 28) is moves
    assert bool(gradients or changed(model, before)) is moves


@LEARNED
def test_an_evaluation_between_two_steps_moves_nothing(learned, tiny_checkpoint, table, batch):
    model = twins_of(load_classifier(tiny_checkpoint), learned=learned)
    FreezingDistillation(torch.randn(len(table), 2), 2.0, 0.0)(model, batch)
    before = state_of(model)
    assert not logits(model, batch).requires_grad
    assert not changed(model, before)
