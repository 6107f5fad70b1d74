"""Every shape that pruning makes goes on: fused ONNX, Core ML executed here, int8 training, distillation."""

import numpy as np
import pytest
import torch

from potstill.artifacts import CHECKPOINT, COREML, ONNX, TOKENS, expect, seal
from potstill.coreml import load
from potstill.coreml_export import CoremlExportConfig, export_coreml
from potstill.coreml_export.formats import FILES as PACKAGES
from potstill.coreml_export.formats import FP16, INT8
from potstill.data.tokens import TEST, read_split
from potstill.distill import DistillConfig, distill_student
from potstill.encoder.checkpoint import load_classifier, save_checkpoint
from potstill.errors import OptionError
from potstill.measure.coreml_session import predict_coreml
from potstill.measure.torch_session import predict_torch
from potstill.onnx_export import OnnxExportConfig, export_onnx
from potstill.output_folder import creating
from potstill.prune.shape import shape_of
from potstill.prune.surgery import drop_layers
from potstill.qat import QatConfig, quantize_checkpoint
from potstill.training.internals import run_with_internals
from tests.conftest import LABELS, MAKER, OPEN, make_tokens
from tests.pruned_models import SHORT, STOCK, UNEVEN, bert, stock, uneven

FAST = {"threads": 1, "dtype": "float32", "batch_size": 16}
# A random model is nearly indifferent between its labels; what int8 is worth, validate measures.
LOOSE = {"parity_rows": 24, "minimum_agreement": 0.5}


def write(folder, model, tokens):
    """Seal a model as checkpoint/v1."""
    with creating(folder, CHECKPOINT):
        save_checkpoint(model, tokens, folder)
        return seal(folder, CHECKPOINT, MAKER, {}, {"labels": LABELS, "max_length": 32}, OPEN).path


@pytest.fixture(scope="module")
def tokens(tmp_path_factory, tokenizer_folder):
    """A token set whose texts all fit into SHORT positions."""
    made = make_tokens(tmp_path_factory.mktemp("made") / "tokens", tokenizer_folder, rows=24).path
    assert max(read_split(made, TEST).lengths) == SHORT
    return made


@pytest.fixture(scope="module")
def vocabulary(tokens):
    return expect(tokens, TOKENS).meaning["vocabulary_size"]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory, tokens, vocabulary):
    return write(tmp_path_factory.mktemp("made") / "teacher", bert(vocabulary, seed=1), tokens)


# ------------------------------------------------------------------------------------------------ ONNX


@pytest.mark.parametrize("name", UNEVEN)
def test_onnx_computes_the_same_and_fuses_every_attention(name, tmp_path, tokens, vocabulary):
    model = uneven(name, vocabulary)
    checkpoint = write(tmp_path / "checkpoint", model, tokens)
    measures = export_onnx(checkpoint, tokens, tmp_path / "onnx", OnnxExportConfig(**LOOSE))
    assert measures["fp32_max_abs_logit"] < 1e-4
    assert measures["optimized_max_abs_logit"] < 1e-4
    layers, fused = shape_of(model.config).layers, expect(tmp_path / "onnx", ONNX).meaning["fused_operators"]
    if name.startswith("mobile"):  # no attention of MobileBERT is fused, pruned or not
        assert "Attention" not in fused
    else:
        assert (fused["Attention"], "SkipLayerNormalization" in fused) == (layers, False)
        assert (fused["EmbedLayerNormalization"], fused["BiasGelu"]) == (1, layers)


@pytest.mark.parametrize("name", ["short", "mobile dropped", "as wide as its heads"])
def test_even_shapes_go_to_onnx_too(name, tmp_path, tokens, vocabulary):
    assert name in STOCK
    checkpoint = write(tmp_path / "checkpoint", stock(name, vocabulary), tokens)
    config = OnnxExportConfig(formats="fp32,optimized", **LOOSE)
    measures = export_onnx(checkpoint, tokens, tmp_path / "onnx", config)
    assert measures["optimized_max_abs_logit"] < 1e-4


# ------------------------------------------------------------------------------------------------ Core ML


@pytest.mark.parametrize("name", ["odd", "short", "mobile dropped"])
def test_core_ml_executed_agrees(name, tmp_path, tokens, vocabulary):
    checkpoint = write(tmp_path / "checkpoint", uneven(name, vocabulary), tokens)
    config = CoremlExportConfig(length=str(SHORT), parity_rows=24, minimum_agreement=0.9)
    measures = export_coreml(checkpoint, tokens, tmp_path / "package", config)
    assert measures[f"{FP16}_max_abs_logit"] < 0.01
    assert measures[f"{INT8}_max_abs_logit"] < 0.01
    assert expect(tmp_path / "package", COREML).meaning["max_length"] == SHORT
    if not name.startswith("mobile"):  # which looks at the padding, too
        table = read_split(tokens, TEST)
        found = predict_coreml(load(tmp_path / "package" / PACKAGES[FP16]), table)
        np.testing.assert_allclose(found, predict_torch(load_classifier(checkpoint), table), atol=0.01)


def test_core_ml_names_the_positions_that_there_are(tmp_path, tokens, vocabulary):
    checkpoint = write(tmp_path / "checkpoint", uneven("short", vocabulary), tokens)
    with pytest.raises(OptionError, match=f"length must be at most {SHORT}, the positions of"):
        export_coreml(checkpoint, tokens, tmp_path / "package", CoremlExportConfig())


# ------------------------------------------------------------------------------------------------ training


@pytest.mark.parametrize("name", ["odd", "mobile dropped"])
def test_int8_is_trained_and_exported(name, tmp_path, tokens, vocabulary):
    checkpoint = write(tmp_path / "checkpoint", uneven(name, vocabulary), tokens)
    quantize_checkpoint(checkpoint, tokens, tmp_path / "int8", QatConfig(rows=32, calibration_rows=32, **FAST))
    assert shape_of(load_classifier(tmp_path / "int8").config) == shape_of(load_classifier(checkpoint).config)
    config = OnnxExportConfig(formats="int8_qdq", **LOOSE)
    measures = export_onnx(tmp_path / "int8", tokens, tmp_path / "onnx", config)
    assert measures["int8_qdq_max_abs_logit"] < 0.5


@pytest.mark.parametrize("name", ["odd", "mobile"])
def test_it_can_be_the_student_of_a_distillation(name, tmp_path, tokens, vocabulary, teacher):
    checkpoint = write(tmp_path / "start", uneven(name, vocabulary), tokens)
    losses = dict.fromkeys(("hidden_states", "attention_scores", "relations", "cls_states", "embeddings"), "1")
    config = DistillConfig(epochs=1, soft_labels="1", relation_heads=4, **losses, **FAST)
    assert distill_student(teacher, tokens, tmp_path / "out", config, start=checkpoint)["loss"] > 0
    assert shape_of(load_classifier(tmp_path / "out").config) == shape_of(uneven(name, vocabulary).config)


def test_what_cannot_be_compared_head_by_head_is_refused(tmp_path, tokens, vocabulary, teacher):
    checkpoint = write(tmp_path / "start", uneven("heads", vocabulary), tokens)
    config = DistillConfig(epochs=1, attention_distributions="1", **FAST)
    with pytest.raises(OptionError, match="needs as many attention heads, the student has 3 and the teacher 4"):
        distill_student(teacher, tokens, tmp_path / "out", config, start=checkpoint)


def test_relation_heads_divide_the_last_layer_that_is_left(tmp_path, tokens, vocabulary, teacher):
    narrow = drop_layers(uneven("heads", vocabulary), [0, 1])  # its last layer has one head of 8
    checkpoint = write(tmp_path / "start", narrow, tokens)
    config = DistillConfig(epochs=1, relations="1", relation_heads=16, **FAST)
    with pytest.raises(OptionError, match="the student's queries are 8 wide, which 16 relation heads do not divide"):
        distill_student(teacher, tokens, tmp_path / "out", config, start=checkpoint)


@pytest.mark.parametrize("name", UNEVEN)
def test_what_hooks_see_has_the_shape(name, vocabulary, tokens):
    model = uneven(name, vocabulary)
    ids = torch.from_numpy(read_split(tokens, TEST).row(0).astype(np.int64))[None]
    seen, shape = run_with_internals(model, ids, torch.ones_like(ids)), shape_of(model.config)
    assert seen.heads == shape.heads
    assert [each.shape[-1] for each in seen.queries] == [heads * shape.head_size for heads in shape.heads]
    assert [each.shape[-1] for each in seen.hidden] == [shape.hidden] * (shape.layers + 1)
