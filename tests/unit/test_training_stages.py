"""teacher-train → distill → prune → qat on a 2-layer BERT and sixty-four sentences."""

import json

import pytest
import torch
from transformers import AutoModelForSequenceClassification

import potstill.encoder.pruned  # registers the pruned model type, as a user would
from potstill.artifacts import CHECKPOINT, expect
from potstill.data.tokens import TEST, read_split
from potstill.distill import DistillConfig, distill_student
from potstill.encoder.checkpoint import load_classifier, read_tensors
from potstill.encoder.quantization import read_scales, snap
from potstill.encoder.quantized_linears import load_quantized
from potstill.errors import ArtifactError, InputError, OptionError
from potstill.measure.torch_session import predict_torch
from potstill.prune import PruneConfig, prune_checkpoint
from potstill.qat import QatConfig, quantize_checkpoint
from potstill.teacher_train import TeacherTrainConfig, train_teacher

FAST = {"threads": 1, "dtype": "float32", "batch_size": 16}


@pytest.fixture(scope="module")
def teacher(tmp_path_factory, tiny_tokens, tiny_checkpoint):
    folder = tmp_path_factory.mktemp("teacher") / "out"
    config = TeacherTrainConfig(epochs=6, learning_rate=3e-3, **FAST)
    measures = train_teacher(tiny_tokens, tiny_checkpoint, folder, config)
    assert measures["validation_accuracy"] > 0.9
    return folder


@pytest.fixture(scope="module")
def student(tmp_path_factory, teacher, tiny_tokens):
    folder = tmp_path_factory.mktemp("student") / "out"
    config = DistillConfig(layers=1, epochs=6, learning_rate=3e-3, control=True, hard_labels="0.1", **FAST)
    measures = distill_student(teacher, tiny_tokens, folder, config)
    assert measures["teacher_agreement"] > 0.9
    assert "gain_over_control" in measures
    return folder


@pytest.fixture(scope="module")
def pruned(tmp_path_factory, teacher, tiny_tokens):
    folder = tmp_path_factory.mktemp("pruned") / "out"
    config = PruneConfig(
        head_sparsity=0.5, ffn_sparsity=0.5, rounds=2, max_accuracy_drop=50, learning_rate=3e-3, multiple=1, **FAST
    )
    measures = prune_checkpoint(teacher, tiny_tokens, folder, config)
    assert measures["heads"] == 4
    assert measures["neurons"] == 64
    assert measures["parameters"] < measures["start_parameters"]
    return folder


@pytest.fixture(scope="module")
def quantized(tmp_path_factory, pruned, teacher, tiny_tokens):
    folder = tmp_path_factory.mktemp("quantized") / "out"
    measures = quantize_checkpoint(pruned, tiny_tokens, folder, QatConfig(epochs=2, **FAST), teacher)
    assert measures["validation_accuracy"] > 0.8
    return folder


def test_teacher_carries_labels_and_lineage(teacher, tiny_tokens, tiny_checkpoint):
    artifact = expect(teacher, CHECKPOINT)
    assert artifact.meaning["labels"] == ["体育", "财经"]
    assert set(artifact.inputs) == {"tokens", "start"}
    assert json.loads((teacher / "config.json").read_text())["id2label"] == {"0": "体育", "1": "财经"}


def test_teacher_is_the_same_bytes_twice(tmp_path, tiny_tokens, tiny_checkpoint):
    config = TeacherTrainConfig(epochs=1, **FAST)
    digests = set()
    for name in ("one", "two"):
        train_teacher(tiny_tokens, tiny_checkpoint, tmp_path / name, config)
        digests.add(expect(tmp_path / name, CHECKPOINT).digest)
    assert len(digests) == 1


def test_student_has_fewer_layers_and_reports_the_control(student):
    artifact = expect(student, CHECKPOINT)
    assert load_classifier(student).config.num_hidden_layers == 1
    assert 0 <= artifact.meaning["control"]["test_accuracy"] <= 1


@pytest.mark.parametrize("name", ["tinybert-4x312", "mobilebert", "custom"])
def test_students_of_other_shapes(tmp_path, teacher, tiny_tokens, name):
    config = DistillConfig(shape=name, layers=1, hidden=24, heads=2, ffn=48, epochs=1, hidden_states="1", **FAST)
    distill_student(teacher, tiny_tokens, tmp_path / "out", config)
    assert load_classifier(tmp_path / "out").config.num_labels == 2


def test_a_mobilebert_student_is_quantised_too(tmp_path, teacher, tiny_tokens):
    distill_student(teacher, tiny_tokens, tmp_path / "student", DistillConfig(shape="mobilebert", layers=1, epochs=0))
    config = QatConfig(rows=32, calibration_rows=32, **FAST)
    quantize_checkpoint(tmp_path / "student", tiny_tokens, tmp_path / "out", config, teacher)
    assert "mobilebert.embeddings.embedding_transformation" in read_scales(tmp_path / "out")
    assert predict_torch(load_quantized(tmp_path / "out"), read_split(tiny_tokens, TEST)).shape == (64, 2)


def test_student_from_a_checkpoint_of_its_own(tmp_path, teacher, tiny_tokens, tiny_checkpoint):
    distill_student(teacher, tiny_tokens, tmp_path / "out", DistillConfig(epochs=0, **FAST), start=tiny_checkpoint)
    ours, theirs = read_tensors(tmp_path / "out"), read_tensors(tiny_checkpoint)
    name = "bert.encoder.layer.0.output.dense.weight"
    assert torch.equal(ours[name], theirs[name])


def test_teacher_width_is_refused_for_another_shape(tmp_path, teacher, tiny_tokens):
    with pytest.raises(OptionError, match="has not the teacher's width"):
        distill_student(teacher, tiny_tokens, tmp_path / "out", DistillConfig(shape="custom", init="teacher", **FAST))


def test_pruned_checkpoint_opens_with_from_pretrained(pruned, tiny_tokens):
    table = read_split(tiny_tokens, TEST)
    opened = AutoModelForSequenceClassification.from_pretrained(pruned, local_files_only=True)
    assert (predict_torch(opened, table) == predict_torch(load_classifier(pruned), table)).all()
    assert opened.config.model_type == potstill.encoder.pruned.MODEL_TYPE


def test_quantized_checkpoint_is_float_without_scales_and_int8_with(quantized):
    tensors, scales = read_tensors(quantized), read_scales(quantized)
    name = "bert.encoder.layer.0.output.dense"
    assert torch.equal(load_classifier(quantized).get_submodule(name).weight, tensors[f"{name}.weight"])
    embeddings = load_quantized(quantized).get_input_embeddings().weight
    word = "bert.embeddings.word_embeddings"
    assert torch.equal(embeddings, snap(tensors[f"{word}.weight"], scales[word].weight))


def test_quantized_accuracy_is_that_of_the_saved_model(quantized, tiny_tokens):
    from potstill.training.scoring import accuracy

    table = read_split(tiny_tokens, "validation")
    assert accuracy(load_quantized(quantized), table) == expect(quantized, CHECKPOINT).meaning["validation_accuracy"]


def test_quantized_is_not_quantized_again(tmp_path, quantized, tiny_tokens):
    with pytest.raises(InputError, match="has int8 scales already"):
        quantize_checkpoint(quantized, tiny_tokens, tmp_path / "out", QatConfig(**FAST))


def test_wrong_edge_is_named(tmp_path, teacher, tiny_tokens):
    with pytest.raises(ArtifactError, match=r"holds tokens/v1; wanted is checkpoint/v1"):
        prune_checkpoint(tiny_tokens, tiny_tokens, tmp_path / "out", PruneConfig(**FAST))
    assert not (tmp_path / "out").exists()
