"""Faults of quantised exports that fail in silence elsewhere: each is made to happen here, and does not pass."""

import re

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.onnx.errors import SymbolicValueError

from potstill.artifacts import expect
from potstill.data.tokens import TEST, read_split
from potstill.encoder import quantized_linears
from potstill.encoder.checkpoint import load_classifier
from potstill.encoder.quantization import Scales, weight_scale
from potstill.encoder.quantized_linears import FrozenLinear, QuantizedLinear, load_quantized, quantized_linear
from potstill.errors import ArtifactError, ParityError
from potstill.measure.onnx_session import predict_onnx
from potstill.measure.torch_session import predict_torch
from potstill.onnx_export import OnnxExportConfig, export_onnx
from potstill.onnx_export.graphs.trace import trace
from potstill.qat.fake_quant import observe, prepare, settle

QDQ_ONLY = OnnxExportConfig(formats="int8_qdq", parity_rows=8, minimum_agreement=0.5)


@pytest.fixture
def refused(quantized_checkpoint, tiny_tokens, tmp_path):
    """Export, and expect the error; nothing that could be taken for a finished export is left."""

    def export(error, words):
        with pytest.raises(error, match=words):
            export_onnx(quantized_checkpoint, tiny_tokens, tmp_path / "onnx", QDQ_ONLY)
        with pytest.raises(ArtifactError, match="does not exist"):
            expect(tmp_path / "onnx", "onnx/v1")

    return export


def test_without_a_fault_all_linears_run_in_int8(quantized_checkpoint, tiny_tokens, tmp_path):
    measures = export_onnx(quantized_checkpoint, tiny_tokens, tmp_path / "onnx", QDQ_ONLY)
    assert measures["int8_qdq_linears"] == 14


# -------------------------------------------------------------------- the range of weights


def test_weights_in_a_narrow_range_are_refused_by_the_exporter(refused, monkeypatch, capfd):
    monkeypatch.setattr(quantized_linears, "INT8", (-127, 127))
    refused(SymbolicValueError, re.escape("ONNX allows only (0, 127), (0, 255) and (-128, 127). Got (-127, 127)"))
    capfd.readouterr()  # the exporter prints the whole graph


def test_unsigned_weights_are_refused(refused, monkeypatch):
    monkeypatch.setattr(quantized_linears, "INT8", (0, 255))
    refused(ParityError, r"^the weight of bert\..* must be int8 with zero point 0, got uint8")


def test_weights_in_half_a_range_do_not_lose_their_scales(refused, monkeypatch):
    """The exporter writes a Clip between, so no linear is found that could be folded."""
    monkeypatch.setattr(quantized_linears, "INT8", (0, 127))
    refused(ParityError, r"^int8_qdq: the scales of bert\..*, classifier are not in the graph")


# -------------------------------------------------------------------- what is rounded


def test_rounded_outputs_are_no_int8_linears(refused, monkeypatch):
    """As torch's prepare_qat has it: onnxruntime then multiplies in float, and only weights are int8."""

    def forward(self, hidden):
        weight = torch.fake_quantize_per_channel_affine(self.weight, self.weight_scale, self.weight_zero, 0, -128, 127)
        return self.rounded(functional.linear(hidden, weight, self.bias))

    monkeypatch.setattr(QuantizedLinear, "forward", forward)
    refused(ParityError, "14 values beside the linears' inputs are rounded")


def test_signed_inputs_are_not_all_int8(refused, monkeypatch):
    """Where a bias or a GELU follows, onnxruntime has kernels for unsigned inputs only."""

    def rounded(self, hidden):
        return torch.fake_quantize_per_tensor_affine(hidden, self.scale, self.zero_point - 128, -128, 127)

    monkeypatch.setattr(FrozenLinear, "rounded", rounded)
    refused(ParityError, "int8_qdq: onnxruntime runs 8 of 14 linears as int8")


# -------------------------------------------------------------------- chance


class LiveDropout(nn.Module):
    """Dropout that does not know when it is off."""

    def forward(self, hidden):
        return functional.dropout(hidden, 0.1, training=True)


class Noise(nn.Module):
    """What is left of dropout where an exporter writes it out."""

    def forward(self, hidden):
        return hidden * torch.bernoulli(torch.full_like(hidden, 0.9)) / 0.9


@pytest.mark.parametrize(("load", "worst"), [(load_classifier, 1e-5), (load_quantized, 0.05)])
def test_a_model_left_in_training_mode_is_exported_without_dropout(load, worst, quantized_checkpoint, tiny_tokens):
    model, table = load(quantized_checkpoint), read_split(tiny_tokens, TEST).take(range(16))
    wanted = predict_torch(model, table, batch_size=1)
    model.train()
    assert np.abs(predict_torch(model, table, batch_size=1) - wanted).max() > 0.01  # dropout does something here
    graph = trace(model, 17)
    assert not [node for node in graph.graph.node if node.op_type == "Dropout"]
    found = predict_onnx(ort.InferenceSession(graph.SerializeToString()), table)
    difference = np.abs(found - wanted).max(1)
    assert np.median(difference) < 1e-5
    assert difference.max() < worst  # quantised, a value on the border between two steps may fall to either


def test_live_dropout_is_refused(tiny_checkpoint):
    model = load_classifier(tiny_checkpoint)
    model.dropout = LiveDropout()
    with (
        pytest.warns(UserWarning, match="operator 'dropout' is set to train=True"),
        pytest.raises(ParityError, match=r"the graph has 1 random nodes \(/dropout/Dropout…\); turn its dropout off"),
    ):
        trace(model, 17)


def test_written_out_noise_is_refused(tiny_checkpoint):
    model = load_classifier(tiny_checkpoint)
    model.dropout = Noise()
    with pytest.raises(ParityError, match=r"the graph has 1 random nodes \(/dropout/Bernoulli…\)"):
        trace(model, 17)


# -------------------------------------------------------------------- ranges that still move


def twins(checkpoint, *, learned):
    model = load_classifier(checkpoint)
    ranges = {name: (-2.0, 2.0) for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    return prepare(model, ranges, {}, learned=learned)


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("on", [False, True])
def test_ranges_in_training_reach_no_file(learned, on, tiny_checkpoint):
    model = twins(tiny_checkpoint, learned=learned)
    observe(model, on=on)
    with pytest.raises(
        ValueError, match=r"^16 modules of kind QatEmbedding, QatLinear \(bert.* settle the model's ranges"
    ):
        trace(model, 17)


def test_one_that_observes_is_enough(tiny_checkpoint):
    live, model = twins(tiny_checkpoint, learned=False), load_classifier(tiny_checkpoint)
    model.classifier = live.classifier
    with pytest.raises(ValueError, match=r"^1 modules of kind QatLinear \(classifier…\)"):
        trace(model, 17)
    observe(live, on=True)
    with pytest.raises(ValueError, match="still observe"):
        settle(model)


def test_ranges_as_they_come_are_not_written_as_if_they_stood(tiny_checkpoint):
    model = load_classifier(tiny_checkpoint)
    model.classifier = quantized_linear(model.classifier, Scales(weight_scale(model.classifier.weight)))
    with pytest.raises(ValueError, match=r"^1 modules of kind DynamicLinear \(classifier…\) have no scales that stand"):
        trace(model, 17)
