"""Embeddings of a few rows stay float in every int8 file, unless an older checkpoint brings scales of them."""

import numpy as np
import pytest
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from transformers import (
    AlbertConfig,
    AutoModelForSequenceClassification,
    BertConfig,
    DistilBertConfig,
    ElectraConfig,
    MobileBertConfig,
    RobertaConfig,
)

from potstill.coreml import load_program
from potstill.coreml_export import CoremlExportConfig, export_coreml
from potstill.coreml_export.formats import FILES, INT8
from potstill.encoder.checkpoint import load_classifier
from potstill.encoder.int8_weights import FEW_ROWS, has_few_rows, int8_weights, weighted_modules
from potstill.encoder.quantization import read_scales, snap, to_int8
from potstill.encoder.quantized_linears import load_quantized
from potstill.onnx_export.graphs.formats import from_scales
from potstill.onnx_export.graphs.graph import constants
from potstill.onnx_export.graphs.trace import trace
from potstill.onnx_export.int8.dynamic_int8 import quantize_dynamically
from tests.quantized_checkpoints import make_scales, write_scaled

WORDS, TYPES = "bert.embeddings.word_embeddings", "bert.embeddings.token_type_embeddings"
SIZES = {"vocab_size": 60, "num_attention_heads": 2, "max_position_embeddings": 40}
BERT = {**SIZES, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1}
NARROW = {"intra_bottleneck_size": 8, "true_hidden_size": 8, "embedding_size": 8, "num_feedforward_networks": 2}
FAMILIES = {
    "bert": (BertConfig(**BERT), "bert.embeddings.token_type_embeddings"),
    "mobilebert": (MobileBertConfig(**BERT, **NARROW), "mobilebert.embeddings.token_type_embeddings"),
    "electra": (ElectraConfig(**BERT, embedding_size=8), "electra.embeddings.token_type_embeddings"),
    "albert": (AlbertConfig(**BERT, embedding_size=8), "albert.embeddings.token_type_embeddings"),
    "roberta": (RobertaConfig(**BERT, type_vocab_size=1), "roberta.embeddings.token_type_embeddings"),
    "distilbert": (DistilBertConfig(**SIZES, dim=16, hidden_dim=24, n_heads=2, n_layers=1), None),
}


@pytest.fixture(scope="module")
def scaled(tmp_path_factory, tiny_checkpoint, tiny_tokens):
    """A checkpoint as qat writes it, of each method, each made once."""
    folder, made = tmp_path_factory.mktemp("scaled"), {}

    def make(method):
        if method not in made:
            scales = make_scales(tiny_checkpoint, tiny_tokens, method)
            made[method] = write_scaled(folder / method, tiny_checkpoint, scales)
        return made[method]

    return make


@pytest.fixture(scope="module")
def table(tiny_checkpoint) -> Tensor:
    """(2, 32) the token types, in float."""
    return load_classifier(tiny_checkpoint).get_submodule(TYPES).weight.detach()


def held_by(graph):
    return {name: numpy_helper.to_array(each) for name, each in constants(graph).items()}


def dynamic_file(checkpoint):
    model = load_classifier(checkpoint)
    return quantize_dynamically(trace(model, 17), model, read_scales(checkpoint))


def package_of(checkpoint, tokens, folder):
    """The int8 package of a checkpoint, and what the stage counted."""
    measures = export_coreml(checkpoint, tokens, folder, CoremlExportConfig(formats=INT8, parity_rows=4))
    return folder / FILES[INT8], (measures["int8_weights"], measures["int8_float_weights"])


# -------------------------------------------------------------------- the rule


@pytest.mark.parametrize(("rows", "few"), [(1, True), (2, True), (FEW_ROWS - 1, True), (FEW_ROWS, False), (99, False)])
def test_rows_decide(rows, few):
    assert has_few_rows(nn.Embedding(rows, 4)) is few
    assert not has_few_rows(nn.Linear(4, rows))  # a classifier of two labels is int8


@pytest.mark.parametrize("family", FAMILIES)
def test_of_every_family_token_types_alone_stay_float(family):
    config, types = FAMILIES[family]
    model = AutoModelForSequenceClassification.from_config(config)
    assert weighted_modules(model).keys() - int8_weights(model, {}).keys() == ({types} if types else set())


# -------------------------------------------------------------------- new checkpoints, and float ones


@pytest.mark.parametrize("method", ["static", "dynamic"])
def test_a_checkpoint_has_no_scale_of_them_and_computes_with_them_in_float(method, scaled, table):
    assert TYPES not in read_scales(scaled(method))
    assert torch.equal(load_quantized(scaled(method)).get_submodule(TYPES).weight, table)


@pytest.mark.parametrize("source", ["qdq", "dynamic", "float"])
def test_they_are_float_in_both_int8_graphs(source, scaled, tiny_checkpoint, table):
    made = {"qdq": lambda: from_scales(scaled("static"), 17), "dynamic": lambda: dynamic_file(scaled("dynamic"))}
    held = held_by(made.get(source, lambda: dynamic_file(tiny_checkpoint))())
    np.testing.assert_array_equal(held[f"{TYPES}.weight"], table.numpy(), strict=True)
    assert held[f"{WORDS}.weight_int8"].dtype == np.int8
    assert not [name for name in held if name.startswith(TYPES) and name != f"{TYPES}.weight"]


@pytest.mark.parametrize("source", ["static", "dynamic", "float"])
def test_they_are_float16_in_the_package(source, scaled, tiny_checkpoint, tiny_tokens, table, tmp_path):
    checkpoint = tiny_checkpoint if source == "float" else scaled(source)
    package, counted = package_of(checkpoint, tiny_tokens, tmp_path / "package")
    assert counted == (2 * 6 + 2 + 2, 1)  # linears of two layers, pooler and classifier, words and positions; the types
    weights = load_program(package).weights
    assert sum(bool(each.operators) for each in weights) == 2 * 6 + 2 + 2
    plain = [each.value for each in weights if not each.operators]
    assert any(torch.equal(each, table.half().float()) for each in plain)  # constants are computed with as float32


# -------------------------------------------------------------------- checkpoints that have a scale of them


def test_an_older_checkpoint_keeps_its_scale(quantized_checkpoint, table):
    scale = read_scales(quantized_checkpoint)[TYPES].weight
    assert torch.equal(load_quantized(quantized_checkpoint).get_submodule(TYPES).weight, snap(table, scale))


@pytest.mark.parametrize("make", [lambda path: from_scales(path, 17), dynamic_file], ids=["qdq", "dynamic"])
def test_its_graphs_hold_them_as_int8(make, quantized_checkpoint, table):
    held, scale = held_by(make(quantized_checkpoint)), read_scales(quantized_checkpoint)[TYPES].weight
    np.testing.assert_array_equal(held[f"{TYPES}.weight_int8"], to_int8(table, scale).numpy(), strict=True)
    assert f"{TYPES}.weight" not in held


def test_its_package_holds_them_as_int8(quantized_checkpoint, tiny_tokens, tmp_path):
    assert package_of(quantized_checkpoint, tiny_tokens, tmp_path / "package")[1] == (2 * 6 + 2 + 3, 0)
