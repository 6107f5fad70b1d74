"""Checkpoints with every kind of scales, exported: what PyTorch simulates is what onnxruntime and Core ML compute."""

import collections

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from potstill.artifacts import CHECKPOINT, COREML, ONNX, TOKENS, expect, seal
from potstill.coreml_export import CoremlExportConfig, export_coreml
from potstill.coreml_export.formats import FILES as PACKAGES
from potstill.data.tokens import TEST, read_split
from potstill.encoder.checkpoint import load_classifier, save_checkpoint
from potstill.encoder.quantization import Scales, read_scales, smoothed, to_int8, weight_scale
from potstill.encoder.quantized_linears import load_quantized
from potstill.errors import OptionError, ParityError
from potstill.measure.onnx_session import predict_onnx, session_options
from potstill.measure.torch_session import predict_torch
from potstill.onnx_export import OnnxExportConfig, export_onnx
from potstill.onnx_export.graphs.formats import from_scales
from potstill.onnx_export.graphs.graph import constants, producers
from potstill.onnx_export.graphs.trace import trace
from potstill.onnx_export.int8 import dynamic_int8
from potstill.onnx_export.int8.dynamic_int8 import quantize_dynamically
from potstill.onnx_export.int8.int8_kernels import asked_int8
from potstill.output_folder import creating
from potstill.validate.models.onnx_models import onnx_candidates
from potstill.validate.models.torch_models import torch_candidates
from tests.conftest import LABELS, MAKER, OPEN
from tests.coreml_families import int8_of, reached
from tests.pruned_models import bert, mobilebert, uneven
from tests.quantized_checkpoints import FLOAT_PARTS, make_scales, write_scaled

MODELS = {"bert": bert, "mobilebert": mobilebert, "pruned": lambda vocabulary: uneven("odd", vocabulary)}
ROWS = range(32)


@pytest.fixture(scope="module")
def floats(tmp_path_factory, tiny_tokens):
    """A float checkpoint of each family, each made once."""
    folder, made = tmp_path_factory.mktemp("floats"), {}
    vocabulary = expect(tiny_tokens, TOKENS).meaning["vocabulary_size"]

    def make(family):
        if family not in made:
            with creating(folder / family, CHECKPOINT) as path:
                save_checkpoint(MODELS[family](vocabulary), tiny_tokens, path)
                made[family] = seal(path, CHECKPOINT, MAKER, {}, {"labels": LABELS, "max_length": 32}, OPEN).path
        return made[family]

    return make


@pytest.fixture(scope="module")
def scaled(tmp_path_factory, tiny_tokens, floats):
    """A checkpoint of each kind and family, each made once."""
    folder, made = tmp_path_factory.mktemp("scaled"), {}

    def make(kind, family="bert"):
        name = f"{family} {kind}".replace(" ", "-")
        if name not in made:
            source = floats(family)
            made[name] = write_scaled(folder / name, source, make_scales(source, tiny_tokens, kind))
        return made[name]

    return make


@pytest.fixture(scope="module")
def rows(tiny_tokens):
    return read_split(tiny_tokens, TEST).take(ROWS)


def dynamic_file(checkpoint):
    model = load_classifier(checkpoint)
    return quantize_dynamically(trace(model, 17), model, read_scales(checkpoint))


def run(graph, table):
    return predict_onnx(ort.InferenceSession(graph.SerializeToString(), session_options()), table)


def arrays(graph):
    return {name: numpy_helper.to_array(each) for name, each in constants(graph).items()}


# -------------------------------------------------------------------- what is simulated is what runs


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        ("bert", "static"),
        ("bert", "static smoothed"),
        ("bert", "static mixed"),
        ("bert", "static learned"),
        ("bert", "dynamic"),
        ("bert", "dynamic learned"),
        ("mobilebert", "static smoothed mixed learned"),
        ("mobilebert", "dynamic learned"),
        ("pruned", "static smoothed mixed learned"),
        ("pruned", "dynamic learned"),
    ],
)
def test_onnxruntime_computes_what_pytorch_simulates(family, kind, scaled, rows):
    checkpoint = scaled(kind, family)
    graph = dynamic_file(checkpoint) if kind.startswith("dynamic") else from_scales(checkpoint, 17)
    found, wanted = run(graph, rows), predict_torch(load_quantized(checkpoint), rows, batch_size=1)
    difference = np.abs(found - wanted).max(1)
    # Most rows agree to the last bits. In some an activation lies on the border between two steps, and the sums before
    # it, added up in another order, let it fall to the other side: that is a step, and whatever it entails.
    assert np.median(difference) < 1e-5
    assert difference.max() < 0.1 < np.ptp(wanted) / 10
    assert (found.argmax(1) == wanted.argmax(1)).mean() >= 31 / 32


@pytest.mark.parametrize("kind", ["static smoothed mixed", "dynamic"])
def test_the_stage_exports_and_proves_every_kind(kind, scaled, tiny_tokens, tmp_path):
    checkpoint = scaled(kind)
    measures = export_onnx(checkpoint, tiny_tokens, tmp_path / "onnx", OnnxExportConfig(parity_rows=16))
    meaning = expect(tmp_path / "onnx", ONNX).meaning
    assert meaning["simulated"] == (["int8", "int8_ort"] if kind == "dynamic" else ["int8_qdq", "int8_qdq_ort"])
    assert meaning["parity"][meaning["simulated"][0]]["max_abs_logit"] < 0.05
    assert measures["int8_linears"] == (
        3 * 6 + 2 if kind == "dynamic" else 3 * 6 + 2 - 3 - 2
    )  # attention is all or none
    assert ("int8_qdq_linears" in measures) == (kind != "dynamic")


def test_every_file_is_judged_beside_the_model_that_it_computes(scaled, tiny_tokens, tmp_path):
    sources = {}
    for kind in ("static", "dynamic"):
        config = OnnxExportConfig(parity_rows=4, minimum_agreement=0.5)
        export_onnx(scaled(kind), tiny_tokens, tmp_path / kind, config)
        for each in onnx_candidates(expect(tmp_path / kind, ONNX), "float", "qat", 1):
            sources[kind, each.name] = each.source
    assert sources["static", "onnx_int8"] == "float"
    assert sources["static", "onnx_int8_qdq"] == "qat"
    assert sources["dynamic", "onnx_int8"] == "qat"
    assert sources["dynamic", "onnx_optimized"] == "float"


def test_a_row_judged_beside_longer_ones_has_the_range_of_its_own(scaled, rows):
    checkpoint = scaled("dynamic")
    assert len(set(rows.lengths)) > 1
    (simulated,) = (
        each for each in torch_candidates({"model": expect(checkpoint, CHECKPOINT)}, 1) if each.name == "qat"
    )
    wanted = predict_torch(load_quantized(checkpoint), rows, batch_size=1)
    np.testing.assert_allclose(simulated.open().predict(rows), wanted, atol=1e-6)


# -------------------------------------------------------------------- standing ranges: int8_qdq


def test_smoothed_inputs_are_divided_before_they_are_rounded(scaled):
    checkpoint = scaled("static smoothed")
    graph, scales = from_scales(checkpoint, 17), read_scales(checkpoint)
    held, made, weights = arrays(graph), producers(graph), load_classifier(checkpoint).state_dict()
    found = set()
    for node in graph.graph.node:
        weight = made.get(node.input[1]) if node.op_type == "MatMul" else None
        if weight is None or weight.op_type != "DequantizeLinear":
            continue
        name = weight.input[0].removesuffix(".weight_int8")
        quantize = made[made[node.input[0]].input[0]]
        divide, own = made[quantize.input[0]], scales[name]
        divide = made[divide.input[0]] if divide.op_type == "Unsqueeze" else divide  # before a pooled token's product
        assert (quantize.op_type, divide.op_type) == ("QuantizeLinear", "Mul")
        factors = next(held[each] for each in divide.input if each in held)
        np.testing.assert_array_equal(factors, (1 / own.smoothing).numpy(), strict=True)
        assert held[quantize.input[1]] == np.float32(own.input)
        assert held[quantize.input[2]] == own.zero_point
        np.testing.assert_array_equal(held[weight.input[1]], own.weight.numpy(), strict=True)
        whole = to_int8(smoothed(weights[f"{name}.weight"], own.smoothing), own.weight)
        np.testing.assert_array_equal(held[weight.input[0]], whole.T.numpy(), strict=True)
        found.add(name)
    assert found == {name for name, each in scales.items() if each.input is not None}


def test_linears_that_read_one_tensor_share_its_division_and_rounding(scaled, tmp_path):
    """Query, key and value of each of 3 layers; four inputs a layer, those of the pooler and the classifier remain."""
    ran = {}
    for kind in ("static", "static smoothed"):
        options = session_options()
        options.optimized_model_filepath, options.log_severity_level = str(tmp_path / "running.onnx"), 3
        ort.InferenceSession(from_scales(scaled(kind), 17).SerializeToString(), options)
        running = onnx.load(tmp_path / "running.onnx").graph.node
        ran[kind] = collections.Counter(node.op_type for node in running)
    assert ran["static smoothed"]["QuantizeLinear"] == ran["static"]["QuantizeLinear"] == 3 * 4 + 2
    assert ran["static smoothed"]["Mul"] - ran["static"]["Mul"] == 3 * 4 + 2
    assert ran["static smoothed"]["MatMulIntegerToFloat"] == ran["static"]["MatMulIntegerToFloat"] == 3 * 6 + 2


def test_linears_without_scales_stay_float_in_the_file(scaled):
    checkpoint = scaled("static mixed")
    graph, weights = from_scales(checkpoint, 17), load_classifier(checkpoint).state_dict()
    assert asked_int8(graph).total() == 3 * 6 + 2 - len(FLOAT_PARTS)
    floats = [each for each in arrays(graph).values() if each.dtype == np.float32 and each.ndim == 2]
    for name in (name for name in weights if name.removesuffix(".weight").endswith(FLOAT_PARTS)):
        either = (weights[name].numpy(), weights[name].numpy().T)  # a Gemm takes it as it stands
        assert any(np.array_equal(held, each) for held in floats for each in either)
    assert sum(each.shape[1] > 1 for each in floats) == len(FLOAT_PARTS) + 1  # and the token types


def test_scales_of_weights_alone_give_no_standing_ranges(scaled, tiny_tokens, tmp_path):
    with pytest.raises(
        OptionError, match=r"formats names int8_qdq, but .* has scales of weights only: .* ask for that one, or run qat"
    ):
        export_onnx(scaled("dynamic"), tiny_tokens, tmp_path / "onnx", OnnxExportConfig(formats="fp32,int8_qdq"))
    assert not (tmp_path / "onnx").exists()


# -------------------------------------------------------------------- ranges as they come: int8


def held_by(graph):
    """The int8 weights of a dynamic file as rows, with their scales: those of a fused attention part by part."""
    held, found = arrays(graph), []
    for name in (name for name in held if name.endswith("_quantized")):
        values, scale = held[name], held[f"{name.removesuffix('_quantized')}_scale"]
        parts = 3 if any(name in node.input and node.op_type == "QAttention" for node in graph.graph.node) else 1
        found += list(zip(np.split(values.T, parts), np.split(scale, parts), strict=True))
    return found


def holds(found, values, scale):
    """Whether some weight has just these values and scales."""
    return any(np.array_equal(each, values) and np.array_equal(its, scale) for each, its in found)


def linears(checkpoint):
    return {n: each for n, each in load_classifier(checkpoint).named_modules() if isinstance(each, nn.Linear)}


@pytest.mark.parametrize("kind", ["static learned", "dynamic learned"])
def test_learned_scales_are_those_of_the_dynamic_file(kind, scaled):
    checkpoint = scaled(kind)
    found, scales = held_by(dynamic_file(checkpoint)), read_scales(checkpoint)
    for name, linear in linears(checkpoint).items():
        own = scales[name].weight
        assert not torch.equal(own, weight_scale(linear.weight))
        assert holds(found, to_int8(linear.weight.detach(), own).numpy(), own.numpy())


def test_a_smoothed_checkpoints_dynamic_file_holds_its_plain_weights(scaled):
    checkpoint = scaled("static smoothed")
    found = held_by(dynamic_file(checkpoint))
    for linear in linears(checkpoint).values():
        own = weight_scale(linear.weight)
        assert holds(found, to_int8(linear.weight.detach(), own).numpy(), own.numpy())


def test_an_attention_with_one_float_linear_stays_float_whole(scaled):
    checkpoint = scaled("dynamic mixed")  # the value of layer 0 is float
    graph, scales = dynamic_file(checkpoint), read_scales(checkpoint)
    assert collections.Counter(node.op_type for node in graph.graph.node)["Attention"] == 1
    found = held_by(graph)
    for name, linear in linears(checkpoint).items():
        own = weight_scale(linear.weight)
        is_int8 = name in scales and "layer.0.attention.self" not in name
        assert holds(found, to_int8(linear.weight.detach(), own).numpy(), own.numpy()) == is_int8


def test_copied_layers_are_told_apart(floats, rows):
    model = load_classifier(floats("bert"))
    first, second = (model.bert.encoder.layer[index].output.dense for index in (0, 1))
    second.weight.data.copy_(first.weight.data)
    names = [name for name, each in model.named_modules() if isinstance(each, nn.Linear | nn.Embedding)]
    scales = {name: Scales(weight_scale(model.get_submodule(name).weight)) for name in names}
    del scales["bert.encoder.layer.1.output.dense"]
    graph = quantize_dynamically(trace(model, 17), model, scales)
    floats_left = [
        node.name for node in graph.graph.node if node.op_type == "MatMul" and node.input[1] in arrays(graph)
    ]
    assert len(floats_left) == 1
    assert "layer.1/output/dense" in floats_left[0]


def test_copied_layers_keep_their_scales(floats, tiny_tokens, tmp_path, rows):
    model = load_classifier(floats("bert"))
    model.bert.encoder.layer[1].load_state_dict(model.bert.encoder.layer[0].state_dict())
    copied = write_scaled(tmp_path / "float", floats("bert"), {}, model)
    checkpoint = write_scaled(tmp_path / "int8", copied, make_scales(copied, tiny_tokens, "static smoothed"))
    found, wanted = run(from_scales(checkpoint, 17), rows), predict_torch(load_quantized(checkpoint), rows, 1)
    assert np.median(np.abs(found - wanted).max(1)) < 1e-5


def test_onnx_and_core_ml_hold_the_same_int8_values(floats, tiny_tokens, tmp_path):
    checkpoint = floats("bert")
    config = CoremlExportConfig(formats="int8", parity_rows=4)
    export_coreml(checkpoint, tiny_tokens, tmp_path / "package", config)
    graph = dynamic_file(checkpoint)
    held = arrays(graph)
    tables = [name for name in held if name.endswith("embeddings.weight_int8")]
    found = held_by(graph) + [
        (held[name][rows], held[name.replace("_int8", "_scale")][rows, 0])
        for name in tables
        for rows in [reached(name.removesuffix(".weight_int8"))]
    ]
    package = int8_of(tmp_path / "package" / PACKAGES["int8"])
    assert len(package) == len(found) == 3 * 6 + 2 + 2  # words and positions
    for values, scale in package:
        assert holds(found, values, scale)


def test_a_weight_that_the_quantiser_passes_over_is_named(monkeypatch, scaled):
    monkeypatch.setattr(dynamic_int8, "overrides", lambda _: {})
    with pytest.raises(ParityError, match=r"^14 of 14 weights are not int8 as asked: .*onnxruntime left them out"):
        dynamic_file(scaled("dynamic learned"))


def test_a_constant_that_is_no_linears_weight_is_refused(floats):
    model = load_classifier(floats("bert"))
    traced = trace(model, 17)
    model.classifier.weight.data += 1
    with pytest.raises(ParityError, match="which is no linear's weight"):
        quantize_dynamically(traced, model)


# -------------------------------------------------------------------- Core ML


def test_core_ml_keeps_smoothed_and_mixed_scales(scaled, tiny_tokens, tmp_path):
    checkpoint = scaled("static smoothed mixed learned")
    config = CoremlExportConfig(parity_rows=8, minimum_agreement=0.9)
    measures = export_coreml(checkpoint, tiny_tokens, tmp_path / "package", config)
    assert (measures["int8_weights"], measures["int8_float_weights"]) == (3 * 6 + 2 + 2 - 3, 3 + 1)
    assert measures["int8_max_abs_logit"] < 0.01
    artifact, weights = expect(tmp_path / "package", COREML), load_classifier(checkpoint).state_dict()
    assert artifact.meaning["float_weights"] == {"int8": 3 + 1}
    found = int8_of(artifact.path / PACKAGES["int8"])
    for name, own in read_scales(checkpoint).items():
        wanted = to_int8(smoothed(weights[f"{name}.weight"], own.smoothing), own.weight)
        rows = reached(name)
        assert holds(found, wanted.numpy()[rows], own.weight.numpy()[rows])


def test_core_ml_of_weights_alone(scaled, tiny_tokens, tmp_path):
    config = CoremlExportConfig(formats="int8", parity_rows=8)
    measures = export_coreml(scaled("dynamic"), tiny_tokens, tmp_path / "package", config)
    assert (measures["int8_weights"], measures["int8_float_weights"]) == (22, 1)
    assert measures["int8_max_abs_logit"] < 0.01
