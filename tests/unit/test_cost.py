"""What a model costs: counted on real models, predicted from a table."""

import math
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForSequenceClassification, BertConfig, MobileBertConfig

from potstill.errors import InputError
from potstill.latency_table.table import LatencyTable
from potstill.prune.cost import flops, latency_ms, parameters, weight_bytes
from potstill.prune.shape import config_of, shape_of

BERT = BertConfig(
    vocab_size=100,
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=64,
    max_position_embeddings=40,
    num_labels=5,
)
MOBILE = {
    "vocab_size": 100,
    "hidden_size": 64,
    "embedding_size": 16,
    "intra_bottleneck_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 40,
}
MOBILEBERT = MobileBertConfig(**MOBILE)
CONFIGS = {
    "bert": BERT,
    "uneven": config_of(BERT, replace(shape_of(BERT), heads=(1, 4, 2), neurons=(24, 64, 8))),
    "narrow": config_of(BERT, replace(shape_of(BERT), hidden=24, positions=20, vocabulary=60)),
    "shallow": config_of(BERT, replace(shape_of(BERT), layers=1, heads=(3,), neurons=(40,))),
    "mobilebert": MOBILEBERT,
    "uneven mobilebert": config_of(MOBILEBERT, replace(shape_of(MOBILEBERT), neurons=(48, 8, 16, 24, 40, 48, 32, 8))),
    "mobilebert without trigrams": MobileBertConfig(**{**MOBILE, "trigram_input": False, "embedding_size": 64}),
    "mobilebert, narrow words": MobileBertConfig(**{**MOBILE, "trigram_input": False}),
    "mobilebert, one bottleneck": MobileBertConfig(**MOBILE, use_bottleneck_attention=True),
    "mobilebert, no pooler": MobileBertConfig(**MOBILE, classifier_activation=False),
}
TABLE = {
    "family": "bert",
    "hidden": 32,
    "head_size": 8,
    "length": 32,
    "format": "optimized",
    "threads": 1,
    "processor": "a slide rule",
    "base_ms": 0.5,
    "attention": {"1": 1.0, "4": 2.5},
    "ffn": {"16": 0.25, "32": 0.5, "64": 2.0},
}


@pytest.fixture(params=CONFIGS)
def config(request):
    return CONFIGS[request.param]


@pytest.fixture
def model(config):
    torch.manual_seed(0)
    return AutoModelForSequenceClassification.from_config(config, attn_implementation="eager").eval()


def test_parameters_are_those_of_the_model(config, model):
    assert parameters(config) == sum(each.numel() for each in model.parameters())


def test_bytes_are_those_of_the_file_behind_its_header(config, model, tmp_path):
    file = tmp_path / "model.safetensors"
    save_file({name: each.clone() for name, each in model.state_dict().items()}, file)
    header = int.from_bytes(file.read_bytes()[:8], "little") + 8
    assert weight_bytes(config) == file.stat().st_size - header


@pytest.mark.parametrize("length", [1, 7, 20])
def test_operations_are_those_that_torch_counts(config, model, length):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(input_ids=torch.ones(1, length, dtype=torch.long))
    assert flops(config, length) == counter.get_total_flops()


def test_nothing_is_drawn_for_a_count():
    large = BertConfig(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096)
    before = torch.random.get_rng_state()
    assert parameters(large) == 335_143_938
    assert torch.equal(before, torch.random.get_rng_state())


def test_milliseconds_add_up_layer_by_layer():
    shape = replace(shape_of(BERT), heads=(1, 4, 2), neurons=(16, 64, 48))
    # base + attention of 1, 4 and, on the line between them, 2 heads + FFN of 16, 64 and 48 neurons
    assert latency_ms(shape, LatencyTable(**TABLE)) == pytest.approx(0.5 + 1.0 + 2.5 + 1.5 + 0.25 + 2.0 + 1.25)


def test_below_the_smallest_size_nothing_is_promised():
    smallest, below = (replace(shape_of(BERT), layers=1, heads=(1,), neurons=(neurons,)) for neurons in (16, 4))
    table = LatencyTable(**TABLE)
    assert latency_ms(below, table) == latency_ms(smallest, table) == 0.5 + 1.0 + 0.25


def test_vocabulary_and_positions_take_no_time():
    own, table = shape_of(BERT), LatencyTable(**TABLE)
    assert latency_ms(replace(own, vocabulary=7, positions=8), table) == latency_ms(own, table)


def test_every_network_of_a_mobilebert_counts():
    table = LatencyTable(**{**TABLE, "family": "mobilebert", "hidden": 64, "attention": {4: 1.0}})
    shape = replace(shape_of(MOBILEBERT), neurons=(16, 16, 16, 16, 32, 32, 32, 32))
    assert latency_ms(shape, table) == pytest.approx(0.5 + 2 * 1.0 + 4 * 0.25 + 4 * 0.5)


def test_a_table_of_another_kind_of_model_is_refused_with_every_reason():
    shape = replace(shape_of(BERT), hidden=24, heads=(4, 4, 12), neurons=(64, 128, 64))
    with pytest.raises(InputError) as refused:
        latency_ms(shape, LatencyTable(**TABLE))
    told = str(refused.value)
    assert "hidden is 24, in the table 32" in told
    assert "a layer has 12 heads, the table goes to 4" in told
    assert "a layer has 128 neurons, the table goes to 64" in told
    assert "potstill latency-table" in told
    assert "\n" not in told


def test_another_family_is_refused():
    table = LatencyTable(**{**TABLE, "family": "mobilebert"})
    with pytest.raises(InputError, match="family is bert, in the table mobilebert"):
        latency_ms(shape_of(BERT), table)


def test_fewer_heads_and_neurons_never_cost_more_where_the_table_says_so():
    table, own = LatencyTable(**TABLE), shape_of(BERT)
    by_neurons = [latency_ms(replace(own, neurons=(each,) * 3), table) for each in range(1, 65)]
    by_heads = [latency_ms(replace(own, heads=(each,) * 3), table) for each in range(1, 5)]
    assert by_neurons == sorted(by_neurons)
    assert by_heads == sorted(by_heads)
    assert all(math.isfinite(each) for each in (*by_neurons, *by_heads))
