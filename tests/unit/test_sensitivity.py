"""What each linear costs in int8, against a model made anew for each of them."""

import copy
import json
from dataclasses import asdict, replace

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from transformers import AlbertConfig, AlbertForSequenceClassification

from potstill.data.tokens import VALIDATION, read_split
from potstill.encoder.checkpoint import load_classifier
from potstill.encoder.quantized_linears import freeze
from potstill.errors import ArtifactError
from potstill.measure.torch_session import predict_torch
from potstill.qat.config import QatConfig
from potstill.qat.post_training import calibrated, post_training_scales
from potstill.qat.sensitivity import (
    SENSITIVITY,
    Cost,
    Sensitivity,
    measure_costs,
    ranked,
    read_sensitivity,
    write_sensitivity,
)
from potstill.training.floor import Judgement
from potstill.training.losses import soft_labels

TEMPERATURE = 2.0
WORST = "bert.encoder.layer.1.intermediate.dense"


@pytest.fixture(scope="module")
def table(tiny_tokens):
    return read_split(tiny_tokens, VALIDATION)


@pytest.fixture(scope="module")
def model(tiny_checkpoint):
    return load_classifier(tiny_checkpoint)


def scales_of(model, table, method="static"):
    return post_training_scales(model, calibrated(model, table, QatConfig(method=method)))


def answers_of(model, table):
    return torch.from_numpy(predict_torch(model, table))


def slow_costs(model, scales, table, answers):
    """Make each model from the start: the scales of embeddings, and of one linear."""

    def loss(some):
        return float(soft_labels(answers_of(freeze(copy.deepcopy(model), some), table), answers, TEMPERATURE))

    names = [name for name, module in model.named_modules() if isinstance(module, nn.Linear) and name in scales]
    embeddings = {name: each for name, each in scales.items() if name not in names}
    return {name: loss({**embeddings, name: scales[name]}) - loss(embeddings) for name in names}


@pytest.mark.parametrize("method", ["static", "dynamic"])
def test_costs_are_those_of_models_made_anew(model, table, method):
    scales, answers = scales_of(model, table, method), answers_of(model, table)
    before = copy.deepcopy(model.state_dict())
    costs = measure_costs(model, scales, table, answers, TEMPERATURE)
    assert costs == slow_costs(model, scales, table, answers)
    assert len(costs) == 14
    assert list(costs.values()) == sorted(costs.values(), reverse=True)
    assert list(costs.items()) == list(measure_costs(model, scales, table, answers, TEMPERATURE).items())
    assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert {type(model.get_submodule(name)) for name in costs} == {nn.Linear}


def test_a_linear_whose_range_is_far_too_wide_costs_most(model, table):
    scales = scales_of(model, table)
    scales[WORST] = replace(scales[WORST], input=50 * scales[WORST].input)
    costs = measure_costs(model, scales, table, answers_of(model, table), TEMPERATURE)
    assert next(iter(costs)) == WORST
    assert costs[WORST] > 2 * list(costs.values())[1] > 0


def test_each_of_two_that_ruin_the_model_is_known(model, table):
    scales, others = scales_of(model, table), {WORST, "bert.encoder.layer.0.attention.self.value"}
    for name in others:
        scales[name] = replace(scales[name], input=1e4 * scales[name].input)
    costs = measure_costs(model, scales, table, answers_of(model, table), TEMPERATURE)
    assert set(list(costs)[:2]) == others


def test_linears_without_scales_cost_nothing_and_are_not_named(model, table):
    scales = scales_of(model, table)
    del scales["classifier"]
    assert "classifier" not in measure_costs(model, scales, table, answers_of(model, table), TEMPERATURE)


def test_a_shared_layer_is_int8_in_all_its_uses(table, model):
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "embedding_size": 8, "num_hidden_layers": 3, "intermediate_size": 12}
    config = AlbertConfig(**shape, vocab_size=model.config.vocab_size, num_attention_heads=4, initializer_range=0.3)
    albert = AlbertForSequenceClassification(config).eval()
    some = table.take(range(16))
    scales, answers = scales_of(albert, some), answers_of(albert, some)
    costs = measure_costs(albert, scales, some, answers, TEMPERATURE)
    assert costs == slow_costs(albert, scales, some, answers)
    assert sum(".albert_layers.0." in name for name in costs) == 6


def made(costs):
    judgement = Judgement(0.9, 0.25, 0.75, above_floor=True)
    return Sensitivity(64, ranked(costs), ("b",), 1.0, 0.95, judgement)


def test_the_worst_come_first_and_equal_ones_in_their_order():
    assert ranked({"a": 0.1, "b": 0.5, "c": 0.1, "d": -0.2}) == (
        *(Cost("b", 0.5), Cost("a", 0.1), Cost("c", 0.1), Cost("d", -0.2)),
    )


def test_the_file_comes_back_as_it_was_and_gives_the_same_bytes(tmp_path):
    assert read_sensitivity(tmp_path) is None
    found = made({"a": 0.125, "b": 0.5})
    write_sensitivity(tmp_path, found)
    text = (tmp_path / SENSITIVITY).read_text()
    assert read_sensitivity(tmp_path) == found
    write_sensitivity(tmp_path, read_sensitivity(tmp_path))
    assert (tmp_path / SENSITIVITY).read_text() == text
    assert [each["linear"] for each in json.loads(text)["costs"]] == ["b", "a"]
    assert list(json.loads(text)) == sorted(json.loads(text))


@pytest.mark.parametrize(
    "broken",
    ["", "[]", {"strange": 1}, {"rows": "many"}, {"costs": [{"linear": "a"}]}, {"judgement": None}],
)
def test_another_file_is_refused(tmp_path, broken):
    text = broken if isinstance(broken, str) else json.dumps(asdict(made({"a": 0.5})) | broken)
    (tmp_path / SENSITIVITY).write_text(text)
    with pytest.raises(ArtifactError, match=r"sensitivity.json is not what linears cost in int8; make it again by qat"):
        read_sensitivity(tmp_path)
