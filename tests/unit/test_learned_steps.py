"""Learned steps have the gradients of LSQ, are trained where they should be, and cost less for it."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close
from transformers import BertConfig, BertForSequenceClassification

from potstill.data.tokens import from_rows
from potstill.encoder.quantization import SMALLEST_WEIGHT_SCALE, input_scale, weight_scale
from potstill.qat.fake_quant import QatEmbedding, QatLinear, observe, settle
from potstill.qat.learned import GAIN, LearnedInput, LearnedRows, lsq
from potstill.qat.objective import FreezingDistillation
from potstill.training.loop import fit
from potstill.training.optimizer import make_optimizer
from potstill.training.options import TrainingOptions
from tests.twins import factors, twins_of

ROWS = 24
TABLE = from_rows([np.arange(5, 8 + row % 5, dtype=np.int32) for row in range(ROWS)], np.arange(ROWS) % 2)
SHAPE = {"vocab_size": 40, "hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1}
OPTIONS = TrainingOptions(epochs=2, batch_size=4, learning_rate=1e-3, threads=1, dtype="float32", patience=0)


def bert():
    torch.manual_seed(0)
    config = BertConfig(**SHAPE, intermediate_size=24, initializer_range=0.2)
    return twins_of(BertForSequenceClassification(config), learned=True)


def steps_of(model):
    return {name: each for name, each in model.named_parameters() if name.endswith("growth")}


# ----------------------------------------------------------------------------------------------- gradients


def slow(value, step, least, greatest):
    """Equations 1 to 3 and 5 of LSQ, for one value: rounded, its gradient for the value, and for the step."""
    steps = value / step
    if steps <= least:
        return least * step, 0.0, least
    if steps >= greatest:
        return greatest * step, 0.0, greatest
    return round(steps) * step, 1.0, round(steps) - steps


@pytest.mark.parametrize("ends", [(-128, 127), (-40, 215), (0, 255)])
@pytest.mark.parametrize("by_row", [False, True])
def test_the_gradients_are_those_of_lsq(ends, by_row):
    torch.manual_seed(0)
    values, weighting = 3 * torch.randn(4, 50, dtype=torch.float64), torch.randn(4, 50, dtype=torch.float64)
    step = (torch.tensor([0.02, 0.011, 0.3, 0.05]) if by_row else torch.tensor(0.021)).double()
    known, trained = values.clone().requires_grad_(), step.clone().requires_grad_()
    rounded = lsq(known, trained, ends)
    (rounded * weighting).sum().backward()
    expected = torch.tensor(
        [[slow(v, s, *ends) for v in row] for row, s in zip(values.tolist(), step.expand(4).tolist(), strict=True)]
    ).double()
    summed = (expected[..., 2] * weighting).sum(1)
    assert 0 < expected[..., 1].sum() < 200  # some values lie beyond the ends
    assert_close(rounded, expected[..., 0], rtol=1e-6, atol=1e-6)
    assert_close(known.grad, expected[..., 1] * weighting, rtol=1e-6, atol=1e-6)
    assert_close(trained.grad, summed if by_row else summed.sum(), rtol=1e-5, atol=1e-5)


def test_an_input_is_rounded_about_its_zero_point():
    torch.manual_seed(0)
    hidden, weighting, module = torch.randn(3, 5, 8), torch.randn(3, 5, 8), LearnedInput(-0.5, 2.0, 8)
    scale, zero = input_scale(-0.5, 2.0)
    observe(module, on=True)
    rounded = module(hidden)
    (rounded * weighting).sum().backward()
    expected = torch.tensor([slow(v, scale, -zero, 255 - zero) for v in hidden.flatten().tolist()])
    assert_close(rounded.flatten(), expected[:, 0])
    slope = (expected[:, 2] * weighting.flatten()).sum() / math.sqrt(8 * 255)  # N values of a token, Qp of uint8
    assert_close(module.step.growth.grad, GAIN * scale * slope, rtol=1e-4, atol=1e-6)


def test_rows_of_a_weight_have_a_gradient_each():
    torch.manual_seed(0)
    linear, embedding = nn.Linear(8, 5), nn.Embedding(5, 8)
    embedding.weight = linear.weight
    linear, embedding = QatLinear(linear, (-1.0, 1.0), learned=True), QatEmbedding(embedding, learned=True)
    weighting = torch.randn(5, 8)
    linear.rows.growth.data = embedding.rows.growth.data = torch.linspace(-0.006, 0.001, 5)
    scale = linear.scales().weight
    slopes = [
        sum(slow(v, s, -128, 127)[2] * w for v, w in zip(row, by, strict=True)) / math.sqrt(8 * 127)
        for row, s, by in zip(linear.weight.tolist(), scale.tolist(), weighting.tolist(), strict=True)
    ]
    expected = GAIN * scale * torch.tensor(slopes)
    for module in (linear, embedding):
        observe(module, on=True)
    linear.input = nn.Identity()
    (linear(torch.eye(8)) * weighting.T).sum().backward()  # the sum over rows of the weight itself
    assert_close(linear.rows.growth.grad, expected, rtol=2e-3, atol=1e-6)  # the scale is rounded, its slope is not
    (embedding(torch.tensor([1, 4])) * weighting[[1, 4]]).sum().backward()
    assert_close(embedding.rows.growth.grad[[1, 4]], expected[[1, 4]], rtol=2e-3, atol=1e-6)
    assert embedding.rows.growth.grad[[0, 2, 3]].tolist() == [0, 0, 0]


def test_the_gradients_of_parts_add_up_to_that_of_the_whole():
    """A batch may be computed in parts: nothing in the gradient of a step may depend on how many rows there are."""
    torch.manual_seed(0)
    twin, hidden = QatLinear(nn.Linear(8, 5), (-1.0, 1.0), factors(8), learned=True), torch.randn(10, 3, 8)
    observe(twin, on=True)

    def gradients(*parts):
        twin.zero_grad()
        for part in parts:
            twin(part).square().sum().backward()
        return {name: each.grad.clone() for name, each in twin.named_parameters()}

    assert_close(gradients(*hidden.split([1, 7, 2])), gradients(hidden), rtol=1e-4, atol=1e-4)


# -------------------------------------------------------------------------------------------------- scales


def test_scales_of_rows_are_exact_in_float16_wherever_they_move():
    rows = LearnedRows(weight_scale(torch.randn(300, 8) * torch.logspace(-8, 2, 300)[:, None]), 8)
    rows.growth.data = torch.linspace(-0.01, 0.01, 300)
    scale = rows()
    assert torch.equal(scale, scale.half().float())
    assert scale.min() == SMALLEST_WEIGHT_SCALE
    assert_close(scale, (rows.start * (GAIN * rows.growth).exp()).clamp_min(SMALLEST_WEIGHT_SCALE), rtol=2**-11, atol=0)


def test_standing_scales_want_no_gradient():
    model = bert()
    for on in (True, False):
        observe(model, on=on)
        model.zero_grad()
        model(input_ids=torch.arange(6)[None]).logits.sum().backward()
        assert all((each.grad is not None) is on for each in steps_of(model).values())
        assert model.classifier.weight.grad is not None


def test_weight_decay_leaves_scales_alone():
    """It would pull them back to where they began."""
    model = bert()
    optimizer = make_optimizer(model, nn.Module(), TrainingOptions(weight_decay=0.1))
    decays = {id(each): group["weight_decay"] for group in optimizer.param_groups for each in group["params"]}
    assert {decays[id(each)] for each in steps_of(model).values()} == {0.0}
    assert decays[id(model.classifier.weight)] == 0.1


# ------------------------------------------------------------------------------------------------ training


def test_scales_are_trained_until_they_are_frozen_and_then_stand():
    model, seen = bert(), []
    objective = FreezingDistillation(torch.randn(ROWS, 2), 2.0, 0.5)
    objective.observe = lambda model: seen.append([each.detach().clone() for each in steps_of(model).values()])
    fit(model, TABLE, objective, OPTIONS, None)
    seen.append([each.detach() for each in steps_of(model).values()])
    moved = [any(not torch.equal(*pair) for pair in zip(*two, strict=True)) for two in pairwise(seen)]
    assert moved == [True] * 6 + [False] * 6  # though AdamW still has momentum for them
    assert settle(model)


def test_what_was_never_trained_takes_no_step():
    model = bert()
    fit(model, TABLE, FreezingDistillation(torch.randn(ROWS, 2), 2.0, 1.0), OPTIONS, None)
    assert all(each.abs().max() == 0 for each in steps_of(model).values())


@pytest.mark.parametrize("wide", [0.2, 8.0])
def test_a_range_that_does_not_fit_is_learned(wide):
    """Too narrow, it clips; too wide, its steps are coarse. In two hundred steps most of either is made good."""
    torch.manual_seed(0)
    linear, hidden = nn.Linear(32, 16), torch.randn(256, 32)
    twin, wanted = QatLinear(linear, (-4.0 * wide, 4.0 * wide), learned=True), linear(hidden).detach()
    optimizer = torch.optim.AdamW(steps_of(twin).values(), lr=5e-5 * 4, weight_decay=0.0)
    errors = []
    observe(twin, on=True)
    for _ in range(200):
        optimizer.zero_grad()
        error = (twin(hidden) - wanted).square().mean()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert errors[-1] < errors[0] / 10
    assert np.mean(errors[-20:]) < 1.5 * min(errors)  # it does not swing
