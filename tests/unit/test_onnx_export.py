"""onnx-export on tiny real models: every file computes what PyTorch computes, and its bytes repeat."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper

from potstill.artifacts import CHECKPOINT, expect, seal
from potstill.data.tokens import TEST, read_split
from potstill.encoder.checkpoint import load_classifier, save_checkpoint
from potstill.encoder.importing import ImportCheckpointConfig, import_checkpoint
from potstill.encoder.quantization import read_scales, to_int8
from potstill.encoder.quantized_linears import load_quantized
from potstill.errors import ArtifactError, InputError, OptionError, ParityError
from potstill.measure.onnx_session import predict_onnx
from potstill.measure.torch_session import predict_torch
from potstill.onnx_export import OnnxExportConfig, export_onnx
from potstill.onnx_export.config import FILES, INT8_FORMATS, ONNX_FORMATS
from potstill.onnx_export.graphs.formats import from_scales
from potstill.onnx_export.graphs.graph import constants, producers
from potstill.onnx_export.graphs.optimize import optimize
from potstill.onnx_export.graphs.trace import trace
from potstill.output_folder import creating
from tests.conftest import LABELS, MAKER, OPEN, make_checkpoint, make_quantized

# A random model is nearly indifferent between its labels, so int8 turns some; what int8 is worth, validate measures.
LOOSE = OnnxExportConfig(parity_rows=24, minimum_agreement=0.8)
SHAPE = {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 64}
COMMON = {"max_position_embeddings": 64, "initializer_range": 0.2, "num_labels": 2}


def make_family(family: str, vocabulary: int):
    """Return a tiny random classifier of a family."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    from potstill.encoder.pruned import PrunedBertConfig

    torch.manual_seed(0)
    common = {**SHAPE, **COMMON, "vocab_size": vocabulary}
    if family == "pruned":
        config = PrunedBertConfig(heads_per_layer=[3, 1], ffn_per_layer=[40, 24], head_size=8, **common)
    elif family == "mobilebert":
        narrow = {"embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16, "num_attention_heads": 2}
        config = AutoConfig.for_model(family, **{**common, **narrow})
    elif family == "distilbert":
        own = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}
        config = AutoConfig.for_model(family, vocab_size=vocabulary, **COMMON, **own)
    else:
        config = AutoConfig.for_model(family, **common, **({"embedding_size": 16} if family != "roberta" else {}))
    return AutoModelForSequenceClassification.from_config(config)


@pytest.fixture
def family_checkpoint(request: pytest.FixtureRequest, tmp_path: Path, tiny_tokens: Path) -> Path:
    size = expect(tiny_tokens, "tokens/v1").meaning["vocabulary_size"]
    with creating(tmp_path / "family", CHECKPOINT) as folder:
        save_checkpoint(make_family(request.param, size), tiny_tokens, folder)
        return seal(folder, CHECKPOINT, MAKER, {}, {"labels": LABELS, "max_length": 32}, OPEN).path


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, quantized_checkpoint: Path, tiny_tokens: Path) -> Path:
    """All four files of the quantised checkpoint."""
    folder = tmp_path_factory.mktemp("exported") / "onnx"
    export_onnx(quantized_checkpoint, tiny_tokens, folder, LOOSE)
    return folder


def test_writes_every_format_with_its_parity(exported: Path) -> None:
    artifact = expect(exported, "onnx/v1")
    assert artifact.meaning["formats"] == FILES
    assert artifact.meaning["labels"] == LABELS
    assert artifact.meaning["opset"] == 17
    assert artifact.meaning["parity"]["fp32"]["max_abs_logit"] < 1e-5
    assert artifact.meaning["parity"]["optimized"]["max_abs_logit"] < 1e-5
    assert artifact.meaning["parity"]["int8_qdq"]["max_abs_logit"] < 0.1
    assert artifact.meaning["fused_operators"]["Attention"] == 2
    assert (exported / "tokenizer.json").is_file()


@pytest.mark.parametrize("name", ONNX_FORMATS)
def test_plain_onnxruntime_runs_any_batch_and_length(exported: Path, name: str) -> None:
    session = ort.InferenceSession(exported / FILES[name])
    assert [(each.name, each.type) for each in session.get_inputs()] == [
        ("input_ids", "tensor(int64)"),
        ("attention_mask", "tensor(int64)"),
        ("token_type_ids", "tensor(int64)"),
    ]
    for rows, tokens in ((1, 1), (1, 32), (5, 7)):
        ones = np.ones((rows, tokens), np.int64)
        logits = session.run(None, {"input_ids": ones, "attention_mask": ones, "token_type_ids": 0 * ones})[0]
        assert logits.shape == (rows, 2)
        assert logits.dtype == np.float32


@pytest.mark.parametrize("name", ONNX_FORMATS)
def test_files_are_clean_and_carry_their_facts(exported: Path, quantized_checkpoint: Path, name: str) -> None:
    model = onnx.load(exported / FILES[name])
    facts = {each.key: each.value for each in model.metadata_props}
    assert json.loads(facts["labels"]) == LABELS
    assert facts["max_length"] == "32"
    assert facts["task"] == "text-classification"
    assert facts["checkpoint"] == expect(quantized_checkpoint, CHECKPOINT).digest
    assert not any(node.doc_string or node.metadata_props for node in model.graph.node)
    assert b"site-packages" not in (exported / FILES[name]).read_bytes()
    domains = {each.domain for each in model.opset_import}
    assert domains == ({"", "com.microsoft"} if name in ("optimized", "int8") else {""})


def test_the_same_inputs_give_the_same_bytes(
    exported: Path, quantized_checkpoint: Path, tiny_tokens: Path, tmp_path: Path
) -> None:
    export_onnx(quantized_checkpoint, tiny_tokens, tmp_path / "again", LOOSE)
    assert expect(tmp_path / "again", "onnx/v1").digest == expect(exported, "onnx/v1").digest


def test_scales_reach_the_file_bit_for_bit(exported: Path, quantized_checkpoint: Path) -> None:
    model = onnx.load(exported / FILES["int8_qdq"])
    known, made = constants(model), producers(model)
    found = {}
    for node in model.graph.node:
        if node.op_type == "MatMul" and made[node.input[1]].op_type == "DequantizeLinear":
            weight, hidden = made[node.input[1]], made[node.input[0]]
            name = weight.input[0].removesuffix(".weight_int8")
            found[name] = [numpy_helper.to_array(known[each]) for each in (*weight.input[1:2], *hidden.input[1:])]
    scales = read_scales(quantized_checkpoint)
    assert found.keys() == {name for name, each in scales.items() if each.input is not None}
    for name, (weight_scale, input_scale, zero_point) in found.items():
        np.testing.assert_array_equal(weight_scale, scales[name].weight.numpy(), strict=True)
        assert input_scale.tobytes() == np.float32(scales[name].input).tobytes()
        assert (zero_point, zero_point.dtype) == (scales[name].zero_point, np.uint8)


def test_weights_and_embeddings_are_int8_in_the_file(exported: Path, quantized_checkpoint: Path) -> None:
    known = constants(onnx.load(exported / FILES["int8_qdq"]))
    weights = load_classifier(quantized_checkpoint).state_dict()
    for name, each in read_scales(quantized_checkpoint).items():
        whole = numpy_helper.to_array(known[f"{name}.weight_int8"])
        wanted = to_int8(weights[f"{name}.weight"], each.weight).numpy()
        np.testing.assert_array_equal(whole, wanted if each.input is None else wanted.T, strict=True)
        assert f"{name}.weight" not in known
    floats = [each for each in known.values() if each.data_type == onnx.TensorProto.FLOAT and len(each.dims) == 2]
    assert all(each.dims[1] == 1 for each in floats)  # the embeddings' scales, one per row


def test_folding_computes_what_slow_rounding_computes(quantized_checkpoint: Path, tiny_tokens: Path) -> None:
    """The graph without onnxruntime's int8 kernels, against PyTorch's fake quantisation."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(from_scales(quantized_checkpoint, 17).SerializeToString(), options)
    table = read_split(tiny_tokens, TEST).take(range(16))
    wanted = predict_torch(load_quantized(quantized_checkpoint), table, batch_size=1)
    difference = np.abs(predict_onnx(session, table) - wanted).max(1)
    # An activation on the border between two steps may round either way; most rows have none.
    assert np.median(difference) < 1e-4
    assert difference.max() < 0.05


def test_every_linear_runs_in_int8(exported: Path) -> None:
    assert expect(exported, "onnx/v1").meaning["int8_linears"] == dict.fromkeys(INT8_FORMATS, 14)


def test_an_ort_file_alone_tells_its_int8_linears(
    quantized_checkpoint: Path, tiny_tokens: Path, tmp_path: Path
) -> None:
    config = OnnxExportConfig(formats="int8_qdq_ort", parity_rows=8, minimum_agreement=0.5)
    export_onnx(quantized_checkpoint, tiny_tokens, tmp_path / "onnx", config)
    meaning = expect(tmp_path / "onnx", "onnx/v1").meaning
    assert meaning["int8_operators"]["int8_qdq_ort"]["classifier"] == ["MatMulIntegerToFloat"]
    assert "14 linears: 14 by MatMulIntegerToFloat" in (tmp_path / "onnx" / "exports.md").read_text(encoding="utf-8")


def test_an_imported_checkpoint_exports(tiny_checkpoint: Path, tiny_tokens: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_checkpoint, tmp_path / "hub")
    (tmp_path / "hub" / "artifact.json").unlink()
    import_checkpoint(str(tmp_path / "hub"), tmp_path / "imported", ImportCheckpointConfig(licence="MIT", use="open"))
    config = OnnxExportConfig(formats="fp32", parity_rows=8)
    export_onnx(tmp_path / "imported", tiny_tokens, tmp_path / "onnx", config)
    assert expect(tmp_path / "onnx", "onnx/v1").meaning["max_length"] == 32  # that of the tokens


def test_weights_that_are_no_numbers_are_named(tiny_checkpoint: Path, tiny_tokens: Path, tmp_path: Path) -> None:
    with creating(tmp_path / "broken", CHECKPOINT) as folder:
        model = load_classifier(tiny_checkpoint)
        model.classifier.weight.data[0, 0] = float("nan")
        save_checkpoint(model, tiny_tokens, folder)
        seal(folder, CHECKPOINT, MAKER, {}, {"labels": LABELS, "max_length": 32}, OPEN)
    with pytest.raises(InputError, match=r"1 weights are NaN or infinite \(classifier.weight\)"):
        export_onnx(tmp_path / "broken", tiny_tokens, tmp_path / "onnx", LOOSE)


@pytest.mark.parametrize("family_checkpoint", ["albert"], indirect=True)
def test_a_shared_linear_is_counted_each_time_it_runs(
    family_checkpoint: Path, tiny_tokens: Path, tmp_path: Path
) -> None:
    export_onnx(family_checkpoint, tiny_tokens, tmp_path / "onnx", OnnxExportConfig(formats="int8", parity_rows=8))
    operators = expect(tmp_path / "onnx", "onnx/v1").meaning["int8_operators"]["int8"]
    uses = sum(len(each) for each in operators.values())
    assert uses > len(operators)
    assert f"{len(operators)} linears, used {uses} times" in (tmp_path / "onnx" / "exports.md").read_text("utf-8")


@pytest.mark.parametrize(
    "family_checkpoint",
    ["pruned", "mobilebert", "electra", "roberta", "distilbert", "albert"],
    indirect=True,
)
def test_every_family_exports(family_checkpoint: Path, tiny_tokens: Path, tmp_path: Path) -> None:
    measures = export_onnx(family_checkpoint, tiny_tokens, tmp_path / "onnx", LOOSE)
    assert measures["fp32_max_abs_logit"] < 1e-4
    assert measures["optimized_max_abs_logit"] < 1e-4
    assert measures["int8_max_abs_logit"] < 0.5
    assert measures["int8_bytes"] < measures["fp32_bytes"]
    assert measures["int8_linears"] >= 8


@pytest.mark.parametrize("family_checkpoint", ["pruned", "mobilebert", "albert"], indirect=True)
def test_scales_export_for_other_shapes(family_checkpoint: Path, tiny_tokens: Path, tmp_path: Path) -> None:
    scaled = make_quantized(tmp_path / "scaled", family_checkpoint, tiny_tokens).path
    config = OnnxExportConfig(formats="int8_qdq", parity_rows=24, minimum_agreement=0.8)
    measures = export_onnx(scaled, tiny_tokens, tmp_path / "onnx", config)
    assert measures["int8_qdq_linears"] == sum(each.input is not None for each in read_scales(scaled).values())
    assert measures["int8_qdq_max_abs_logit"] < 0.5


@pytest.mark.parametrize("opset", [13, 14, 18, 20, 21])
def test_other_operator_sets(quantized_checkpoint: Path, tiny_tokens: Path, tmp_path: Path, opset: int) -> None:
    config = OnnxExportConfig(opset=opset, parity_rows=24, minimum_agreement=0.8)
    export_onnx(quantized_checkpoint, tiny_tokens, tmp_path / "onnx", config)
    for name in ONNX_FORMATS:
        sets = {each.domain: each.version for each in onnx.load(tmp_path / "onnx" / FILES[name]).opset_import}
        # Fused graphs have LayerNormalization, which is of operator set 17.
        assert sets[""] == (opset if name in ("fp32", "int8_qdq") else max(opset, 17))


def test_a_float_checkpoint_gives_no_file_with_ranges(tiny_checkpoint: Path, tiny_tokens: Path, tmp_path: Path) -> None:
    export_onnx(tiny_checkpoint, tiny_tokens, tmp_path / "onnx", LOOSE)
    assert set(expect(tmp_path / "onnx", "onnx/v1").meaning["formats"]) == set(FILES) - {"int8_qdq", "int8_qdq_ort"}


def test_int8_qdq_needs_scales(tiny_checkpoint: Path, tiny_tokens: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="has no int8 scales; run qat first"):
        export_onnx(tiny_checkpoint, tiny_tokens, tmp_path / "onnx", OnnxExportConfig(formats="fp32, int8_qdq"))
    assert not (tmp_path / "onnx").exists()


def test_only_the_formats_asked_for(tiny_checkpoint: Path, tiny_tokens: Path, tmp_path: Path) -> None:
    config = OnnxExportConfig(formats="optimized", parity_rows=8)
    measures = export_onnx(tiny_checkpoint, tiny_tokens, tmp_path / "onnx", config)
    assert [file.name for file in (tmp_path / "onnx").glob("*.onnx")] == ["model.optimized.onnx"]
    assert "fp32_bytes" not in measures


def test_beyond_the_tolerance_every_file_is_named(
    quantized_checkpoint: Path, tiny_tokens: Path, tmp_path: Path
) -> None:
    config = OnnxExportConfig(formats="fp32,optimized", tolerance_fp32=1e-12, parity_rows=24)
    with pytest.raises(ParityError, match=r"fp32: an output is off by .*worst rows 2-000.*optimized: an output"):
        export_onnx(quantized_checkpoint, tiny_tokens, tmp_path / "onnx", config)
    with pytest.raises(ArtifactError, match="does not exist"):
        expect(tmp_path / "onnx", "onnx/v1")


def test_wrong_kinds_are_refused(tiny_checkpoint: Path, tiny_tokens: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="holds tokens/v1; wanted is checkpoint/v1"):
        export_onnx(tiny_tokens, tiny_tokens, tmp_path / "onnx", LOOSE)
    with pytest.raises(ArtifactError, match="holds checkpoint/v1; wanted is tokens/v1"):
        export_onnx(tiny_checkpoint, tiny_checkpoint, tmp_path / "onnx", LOOSE)


def test_tokens_of_another_vocabulary_are_refused(tiny_tokens: Path, tmp_path: Path) -> None:
    with creating(tmp_path / "small", CHECKPOINT) as folder:
        save_checkpoint(make_family("pruned", 20), tiny_tokens, folder)
        seal(folder, CHECKPOINT, MAKER, {}, {"labels": LABELS, "max_length": 32}, OPEN)
    with pytest.raises(InputError, match="has 20 embeddings"):
        export_onnx(tmp_path / "small", tiny_tokens, tmp_path / "onnx", LOOSE)


@pytest.mark.parametrize(
    ("option", "value"),
    [("formats", "onnx"), ("opset", 12), ("opset", 22), ("parity_rows", 0), ("tolerance_fp32", 0.0)],
)
def test_options_out_of_range(option: str, value: object) -> None:
    with pytest.raises(OptionError, match=option):
        OnnxExportConfig(**{option: value})


def test_fusion_says_nothing_of_a_vocabulary_smaller_than_the_positions(tmp_path, tokenizer_folder, caplog):
    made = make_checkpoint(tmp_path / "model", tokenizer_folder, max_position_embeddings=256)
    assert load_classifier(made.path).config.vocab_size < 256
    _, fused = optimize(trace(load_classifier(made.path), 17))
    assert fused["Attention"] == 2
    assert caplog.text == ""
