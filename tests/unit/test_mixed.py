"""Which linears stay float for the floor, against a search that tries every number of them."""

import copy
import math
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from potstill.data.tokens import VALIDATION, read_split
from potstill.encoder.checkpoint import load_classifier
from potstill.encoder.quantized_linears import freeze
from potstill.errors import InputError
from potstill.measure.torch_session import predict_torch
from potstill.qat.config import QatConfig
from potstill.qat.mixed import keep_worst_float
from potstill.qat.post_training import calibrated, post_training_scales
from potstill.qat.sensitivity import measure_costs
from potstill.training.floor import Floor
from potstill.training.scoring import right

QUERY, FIRST, SECOND, POOLER = (
    *("bert.encoder.layer.0.attention.self.query", "bert.encoder.layer.0.intermediate.dense"),
    *("bert.encoder.layer.1.output.dense", "bert.pooler.dense"),
)


@dataclass(frozen=True)
class Counting(Floor):
    """A floor that remembers what it judged."""

    judged: list = field(default_factory=list)

    def judge(self, model):
        judgement = super().judge(model)
        self.judged.append(judgement)
        return judgement


@pytest.fixture(scope="module")
def rows(tiny_tokens):
    return read_split(tiny_tokens, VALIDATION)


@pytest.fixture(scope="module")
def model(tiny_checkpoint, rows):
    """A model that gives either label to half of the rows."""
    model = load_classifier(tiny_checkpoint)
    model.classifier.bias.data -= torch.from_numpy(np.median(predict_torch(model, rows), axis=0))
    return model


@pytest.fixture(scope="module")
def table(model, rows):
    """Rows that the float model is right on, and sure of: what it loses is what int8 costs."""
    logits = predict_torch(model, rows)
    sure = np.argsort(-np.abs(logits[:, 0] - logits[:, 1]))[:40]
    return replace(rows, labels=logits.argmax(1).astype(np.int64)).take(sure)


@pytest.fixture(scope="module")
def scales(model, table):
    return post_training_scales(model, calibrated(model, table, QatConfig(method="static")))


def floor_of(model, table, points, kind=Counting):
    logits = predict_torch(model, table)
    return kind(logits, right(logits, table), table, points, 0.95)


def hurt(scales, factors):
    """Make the ranges of some linears so many times too wide."""
    wider = {name: replace(scales[name], input=factor * scales[name].input) for name, factor in factors.items()}
    return scales | wider


def costs_of(model, scales, table):
    return measure_costs(model, scales, table, torch.from_numpy(predict_torch(model, table)), 1.0)


def slow_number(model, scales, costs, floor):
    """The first number of worst linears in float with which the floor holds."""
    order = sorted(costs, key=lambda name: -costs[name])
    for number in range(len(order) + 1):
        some = {name: each for name, each in scales.items() if name not in order[:number]}
        if floor.judge(freeze(copy.deepcopy(model), some)).above_floor:
            return number
    return None


def test_a_single_linear_that_hurts_is_the_one_that_stays_float(model, table, scales):
    broken, floor = hurt(scales, {FIRST: 200}), floor_of(model, table, 15)
    before = copy.deepcopy(model.state_dict())
    mixed = keep_worst_float(model, broken, costs_of(model, broken, table), floor)
    assert mixed.float_linears == (FIRST,)
    assert mixed.scales == {name: each for name, each in broken.items() if name != FIRST}
    assert not floor.judged[0].above_floor
    assert mixed.judgement.above_floor
    assert mixed.judgement == floor.judge(freeze(copy.deepcopy(model), mixed.scales))
    assert_close(model.state_dict(), before, rtol=0, atol=0)


@pytest.mark.parametrize(
    "factors",
    [{QUERY: 300, FIRST: 200}, {FIRST: 200, SECOND: 300}, {QUERY: 300, FIRST: 200, SECOND: 300, POOLER: 100}],
)
@pytest.mark.parametrize("points", [8, 15])
def test_as_many_stay_float_as_a_search_one_by_one_finds(model, table, scales, factors, points):
    broken, floor = hurt(scales, factors), floor_of(model, table, points)
    costs = costs_of(model, broken, table)
    mixed = keep_worst_float(model, broken, costs, floor)
    assert len(floor.judged) <= 2 * math.ceil(math.log2(len(mixed.float_linears))) + 2
    assert len(mixed.float_linears) == slow_number(model, broken, costs, floor_of(model, table, points, Floor)) > 0
    assert mixed.float_linears == tuple(costs)[: len(mixed.float_linears)]


def test_where_nothing_hurts_nothing_stays_float(model, table, scales):
    floor = floor_of(model, table, 15)
    mixed = keep_worst_float(model, scales, costs_of(model, scales, table), floor)
    assert (mixed.float_linears, mixed.scales) == ((), scales)
    assert len(floor.judged) == 1


def test_every_linear_may_have_to_stay_float(model, table, scales):
    """The one that hurts is believed to cost least."""
    broken, floor = hurt(scales, {FIRST: 200}), floor_of(model, table, 15)
    costs = {name: 1.0 - (name == FIRST) for name in costs_of(model, broken, table)}
    mixed = keep_worst_float(model, broken, costs, floor)
    assert set(mixed.float_linears) == set(costs)
    assert mixed.float_linears[-1] == FIRST
    assert len(floor.judged) <= 2 * math.ceil(math.log2(len(costs))) + 2


def test_a_floor_that_cannot_hold_is_told_with_its_figures_and_the_way_out(model, table, scales):
    words = "bert.embeddings.word_embeddings"
    broken = scales | {words: replace(scales[words], weight=100 * scales[words].weight)}
    floor = floor_of(model, table, 15)
    with pytest.raises(InputError) as refused:
        keep_worst_float(model, broken, costs_of(model, broken, table), floor)
    end = floor.judged[-1]
    assert f"even with every linear in float {end.lost:.2f} points of accuracy are lost" in str(refused.value)
    assert f"at most {end.lost_at_most:.2f}, and 15 may be" in str(refused.value)
    assert "--max-accuracy-drop" in str(refused.value)
    assert "\n" not in str(refused.value)
