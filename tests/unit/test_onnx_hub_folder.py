"""The folder opens by what users open ONNX with: Optimum's ORTModel… and transformers.pipeline."""

import json

import numpy as np
import pytest
import torch
from optimum.onnxruntime import ORTModelForFeatureExtraction, ORTModelForSequenceClassification
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from potstill.data.tokens import TEST, read_split, read_texts
from potstill.encoder.checkpoint import load_classifier
from potstill.measure.onnx_session import open_session, predict_onnx
from potstill.measure.torch_session import predict_torch
from potstill.onnx_export import OnnxExportConfig, export_onnx
from potstill.onnx_export.config import FILES, ONNX_FORMATS
from tests.conftest import LABELS
from tests.unit.test_onnx_tasks import vectors  # noqa: F401 - a fixture

LOOSE = OnnxExportConfig(parity_rows=8, minimum_agreement=0.5)


@pytest.fixture(scope="module", params=["quantized_checkpoint", "pruned_checkpoint"])
def folder(request, tiny_tokens, tmp_path_factory):
    made = tmp_path_factory.mktemp("hub") / "onnx"
    export_onnx(request.getfixturevalue(request.param), tiny_tokens, made, LOOSE)
    return made


@pytest.mark.parametrize("name", ONNX_FORMATS)
def test_optimum_and_a_pipeline_give_onnxruntimes_labels(folder, tiny_tokens, name):
    if not (folder / FILES[name]).is_file():
        pytest.skip("the pruned checkpoint has no scales")
    model = ORTModelForSequenceClassification.from_pretrained(folder, file_name=FILES[name])
    classify = pipeline("text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(folder))
    texts, table = read_texts(tiny_tokens, TEST)[:8], read_split(tiny_tokens, TEST).take(range(8))
    wanted = predict_onnx(open_session(folder / FILES[name]), table)
    found = [classify(text)[0] for text in texts]
    assert [each["label"] for each in found] == [LABELS[index] for index in wanted.argmax(1)]
    chance = torch.softmax(torch.from_numpy(wanted), 1).max(1).values.numpy()
    np.testing.assert_allclose([each["score"] for each in found], chance, atol=1e-5)


def test_optimum_extracts_features(vectors, quantized_checkpoint, tiny_tokens):  # noqa: F811
    model = ORTModelForFeatureExtraction.from_pretrained(vectors, file_name=FILES["fp32"])
    inputs = AutoTokenizer.from_pretrained(vectors)(read_texts(tiny_tokens, TEST)[:1], return_tensors="pt")
    with torch.inference_mode():
        wanted = load_classifier(quantized_checkpoint).bert(**inputs).last_hidden_state
    torch.testing.assert_close(model(**inputs).last_hidden_state, wanted, atol=1e-5, rtol=0)


def test_the_config_names_a_stock_family(folder):
    config = json.loads((folder / "config.json").read_bytes())
    assert (config["model_type"], config["architectures"]) == ("bert", ["BertForSequenceClassification"])


def test_the_source_is_the_checkpoints_own_bytes(folder, request, tiny_tokens):
    source = folder / "safetensors"
    table = read_split(tiny_tokens, TEST).take(range(4))
    exported = predict_onnx(open_session(folder / FILES["fp32"]), table)
    np.testing.assert_allclose(predict_torch(load_classifier(source), table, what=""), exported, atol=1e-5)


def test_the_table_tells_who_opens_the_source(folder, request):
    table = (folder / "exports.md").read_text(encoding="utf-8")
    pruned = "pruned" in str(json.loads((folder / "safetensors" / "config.json").read_bytes())["model_type"])
    assert f"| {'potstill' if pruned else 'transformers, potstill'} |" in table


def test_transformers_opens_the_source_of_a_stock_model(quantized_checkpoint, tiny_checkpoint, tiny_tokens, tmp_path):
    export_onnx(tiny_checkpoint, tiny_tokens, tmp_path / "onnx", OnnxExportConfig(formats="safetensors"))
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "onnx" / "safetensors")
    assert pipeline("text-classification", model=str(tmp_path / "onnx" / "safetensors"))("国足")[0]["label"] in LABELS
    wanted = load_classifier(tiny_checkpoint).state_dict()
    assert all(torch.equal(value, wanted[name]) for name, value in model.state_dict().items())
