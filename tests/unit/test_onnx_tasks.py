"""onnx-export's tasks: labels, vectors of tokens, and scores of pairs of texts."""

import json

import numpy as np
import pytest
import torch
from transformers import BertModel

from potstill.artifacts import CHECKPOINT, expect, seal
from potstill.data.tokens import TEST, read_split
from potstill.encoder.checkpoint import load_classifier, save_checkpoint
from potstill.encoder.importing import ImportCheckpointConfig, import_checkpoint
from potstill.encoder.tokenizer import copy_tokenizer
from potstill.errors import InputError, OptionError
from potstill.measure.onnx_session import open_session
from potstill.onnx_export import OnnxExportConfig, export_onnx
from potstill.onnx_export.config import FILES, INT8_FORMATS, RERANKING
from potstill.onnx_export.proof.rows import proof_rows
from potstill.output_folder import creating
from potstill.validate.models.onnx_models import onnx_candidates
from tests.conftest import MAKER, OPEN
from tests.unit.test_onnx_export import make_family

VECTORS = OnnxExportConfig(task="feature-extraction", parity_rows=24, minimum_agreement=0.9)
SCORES = OnnxExportConfig(task="reranking", parity_rows=24, minimum_agreement=0.8)


@pytest.fixture(scope="module")
def vectors(tmp_path_factory, quantized_checkpoint, tiny_tokens):
    folder = tmp_path_factory.mktemp("vectors") / "onnx"
    export_onnx(quantized_checkpoint, tiny_tokens, folder, VECTORS)
    return folder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory, tiny_tokens):
    """A pretrained encoder, imported."""
    folder = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(0)
    size = expect(tiny_tokens, "tokens/v1").meaning["vocabulary_size"]
    make_family("bert", size).bert.save_pretrained(folder / "hub")
    copy_tokenizer(tiny_tokens, folder / "hub")
    import_checkpoint(str(folder / "hub"), folder / "model", ImportCheckpointConfig(licence="MIT", use="open"))
    return folder / "model"


@pytest.fixture(scope="module")
def cross_encoder(tmp_path_factory, tiny_tokens):
    """A model that scores two texts by one logit."""
    folder = tmp_path_factory.mktemp("cross") / "model"
    torch.manual_seed(0)
    model = make_family("bert", expect(tiny_tokens, "tokens/v1").meaning["vocabulary_size"])
    model.classifier, model.config.num_labels = torch.nn.Linear(32, 1), 1
    with creating(folder, CHECKPOINT):
        save_checkpoint(model, tiny_tokens, folder)
        return seal(folder, CHECKPOINT, MAKER, {}, {"labels": ["LABEL_0"], "max_length": 32}, OPEN).path


@pytest.fixture(scope="module")
def scores(tmp_path_factory, cross_encoder, tiny_tokens):
    folder = tmp_path_factory.mktemp("scores") / "onnx"
    export_onnx(cross_encoder, tiny_tokens, folder, SCORES)
    return folder


def one_row(tokens):
    ids = read_split(tokens, TEST).row(0).astype(np.int64)[None]
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}


@pytest.mark.parametrize("name", ["fp32", "optimized"])
def test_vectors_are_the_encoders(vectors, quantized_checkpoint, tiny_tokens, name):
    row = one_row(tiny_tokens)
    found = open_session(vectors / FILES[name]).run(["last_hidden_state"], row)[0]
    with torch.inference_mode():
        wanted = load_classifier(quantized_checkpoint).bert(torch.from_numpy(row["input_ids"])).last_hidden_state
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5)


def test_all_formats_of_vectors_are_proved(vectors):
    meaning = expect(vectors, "onnx/v1").meaning
    assert (meaning["task"], meaning["formats"]) == ("feature-extraction", FILES)
    assert meaning["int8_linears"] == dict.fromkeys(INT8_FORMATS, 12)  # without pooler and classifier
    assert all(each["agreement"] > 0.99 for each in meaning["parity"].values())
    assert meaning["parity"]["torchscript"]["max_abs_logit"] < 1e-5


def test_files_of_vectors_name_no_labels(vectors):
    facts = open_session(vectors / FILES["fp32"]).get_modelmeta().custom_metadata_map
    assert facts["task"] == "feature-extraction"
    assert "labels" not in facts


def test_validate_takes_files_that_classify_only(vectors):
    with pytest.raises(InputError, match="are for feature-extraction; validate judges labels"):
        onnx_candidates(expect(vectors, "onnx/v1"), "model", "model", 1)


@pytest.mark.parametrize("opset", [13, 17])
def test_an_encoder_that_nobody_fine_tuned_gives_vectors(encoder, tiny_tokens, tmp_path, opset):
    config = OnnxExportConfig(task="feature-extraction", opset=opset, parity_rows=8, minimum_agreement=0.9)
    export_onnx(encoder, tiny_tokens, tmp_path / "onnx", config)
    row = one_row(tiny_tokens)
    found = open_session(tmp_path / "onnx" / FILES["optimized"]).run(None, row)[0]
    model = BertModel.from_pretrained(encoder)
    with torch.inference_mode():
        wanted = model(torch.from_numpy(row["input_ids"])).last_hidden_state
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5)


@pytest.mark.parametrize("task", ["text-classification", "reranking"])
def test_an_encoder_has_no_labels_to_tell(encoder, tiny_tokens, tmp_path, task):
    with pytest.raises(OptionError, match=r"is an encoder without labels, so .* pass --task feature-extraction"):
        export_onnx(encoder, tiny_tokens, tmp_path / "onnx", OnnxExportConfig(task=task))


def test_scores_of_pairs_are_proved(scores):
    meaning = expect(scores, "onnx/v1").meaning
    assert meaning["parity"]["fp32"]["max_abs_logit"] < 1e-5
    assert meaning["parity"]["int8"]["agreement"] > 0.8
    assert json.loads(open_session(scores / FILES["int8"]).get_modelmeta().custom_metadata_map["labels"]) == ["LABEL_0"]


def test_pairs_are_two_texts_with_segments(tiny_tokens):
    rows, table = proof_rows(tiny_tokens, RERANKING, 4, 64), read_split(tiny_tokens, TEST)
    batch = next(rows.padded(1))
    row = int(batch.rows[0])
    chosen = [table.row(index) for index in np.linspace(0, len(table) - 1, 4).astype(int)]
    first, second = chosen[row], chosen[(row + 1) % 4]
    assert batch.input_ids[0].tolist() == [*first, *second[1:]]
    assert batch.segments[0].tolist() == [0] * len(first) + [1] * (len(second) - 1)


def test_pairs_fit_the_model(tiny_tokens):
    assert proof_rows(tiny_tokens, RERANKING, 8, 16).table.lengths.max() <= 16


def test_a_model_with_labels_does_not_rerank(tiny_checkpoint, tiny_tokens, tmp_path):
    with pytest.raises(OptionError, match="has 2 labels; leave --task out"):
        export_onnx(tiny_checkpoint, tiny_tokens, tmp_path / "onnx", SCORES)
    assert not (tmp_path / "onnx").exists()


def test_a_model_with_one_label_does_not_classify(cross_encoder, tiny_tokens, tmp_path):
    with pytest.raises(OptionError, match="did you mean --task reranking"):
        export_onnx(cross_encoder, tiny_tokens, tmp_path / "onnx", OnnxExportConfig())
