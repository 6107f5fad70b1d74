"""onnx-export's choices: fixed shapes, weights beside the graph, levels of optimisation, processors."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, numpy_helper

from potstill.artifacts import expect
from potstill.data.tokens import TEST, read_split, shortened
from potstill.encoder.checkpoint import load_classifier
from potstill.errors import OptionError
from potstill.measure.onnx_session import open_session, predict_onnx
from potstill.measure.size import size_on_disk
from potstill.measure.torch_session import predict_torch
from potstill.onnx_export import OnnxExportConfig, export_onnx
from potstill.onnx_export.config import FILES, LEVELS, TARGETS
from potstill.onnx_export.int8.int8_kernels import running_nodes

LOOSE = {"parity_rows": 8, "minimum_agreement": 0.5}


@pytest.fixture
def exporting(quantized_checkpoint, tiny_tokens, tmp_path):
    """Export with some options; gives the folder."""

    def export(formats, **options):
        folder = tmp_path / f"onnx-{len(list(tmp_path.iterdir()))}"
        export_onnx(quantized_checkpoint, tiny_tokens, folder, OnnxExportConfig(formats=formats, **LOOSE, **options))
        return folder

    return export


def operators(file):
    return {node.op_type for node in onnx.load(file).graph.node}


# -------------------------------------------------------------------- fixed shapes


def test_a_fixed_shape_is_the_only_one_taken(exporting):
    folder = exporting("fp32,int8,int8_qdq,int8_ort", batch=1, length=16)
    for name in ("fp32", "int8", "int8_qdq", "int8_ort"):
        session = open_session(folder / FILES[name])
        assert [each.shape for each in session.get_inputs()] == [[1, 16]] * 3
        assert session.get_outputs()[0].shape == [1, 2]
        ones = np.ones((2, 16), np.int64)
        with pytest.raises(ort.capi.onnxruntime_pybind11_state.InvalidArgument, match="invalid dimensions"):
            session.run(None, {"input_ids": ones, "attention_mask": ones, "token_type_ids": ones * 0})


def test_one_axis_may_stay_free(exporting):
    shape = open_session(exporting("fp32", length=16) / FILES["fp32"]).get_inputs()[0].shape
    assert (isinstance(shape[0], str), shape[1]) == (True, 16)


@pytest.mark.parametrize(("batch", "length"), [(1, 40), (3, 40), (5, 8)])
def test_rows_are_padded_and_cut_for_a_fixed_shape(exporting, quantized_checkpoint, tiny_tokens, batch, length):
    session = open_session(exporting("fp32", batch=batch, length=length) / FILES["fp32"])
    table = read_split(tiny_tokens, TEST).take(range(13))
    wanted = predict_torch(load_classifier(quantized_checkpoint), shortened(table, length), what="")
    np.testing.assert_allclose(predict_onnx(session, table), wanted, atol=1e-5)


def test_the_artifact_tells_the_length_that_texts_are_cut_to(exporting):
    meaning = expect(exporting("fp32", length=16), "onnx/v1").meaning
    assert (meaning["max_length"], meaning["batch"], meaning["length"]) == (16, 0, 16)


def test_a_length_beyond_the_positions_is_refused(exporting):
    with pytest.raises(OptionError, match="length must be at most 64, the positions that the model has, got 65"):
        exporting("fp32", length=65)


def test_a_length_without_room_for_a_text_is_refused():
    with pytest.raises(OptionError, match="length must be 0 or at least 3"):
        OnnxExportConfig(length=2)


# -------------------------------------------------------------------- weights beside the graph


def test_weights_beside_the_graph_are_found_from_anywhere(exporting, tiny_tokens, tmp_path, monkeypatch):
    inside, outside = exporting("fp32,int8_qdq"), exporting("fp32,int8_qdq", external_data=True)
    (tmp_path / "model.onnx.data").write_bytes(b"another file of that name")
    monkeypatch.chdir(tmp_path)
    table = read_split(tiny_tokens, TEST).take(range(4))
    for name in ("fp32", "int8_qdq"):
        before, after = (predict_onnx(open_session(folder / FILES[name]), table) for folder in (inside, outside))
        np.testing.assert_array_equal(before, after)
        assert (outside / FILES[name]).stat().st_size < (inside / FILES[name]).stat().st_size
    assert {each.path for each in expect(outside, "onnx/v1").files} >= {"model.onnx.data", "model.int8.qdq.onnx.data"}


def test_a_files_size_counts_the_weights_beside_it(exporting):
    folder = exporting("fp32", external_data=True)
    parts = [(folder / name).stat().st_size for name in ("model.onnx", "model.onnx.data")]
    assert size_on_disk(folder / "model.onnx") == sum(parts)


def test_weights_beside_the_graph_are_read_by_whom_the_graph_is(exporting):
    folder = exporting("fp32", external_data=True)
    modes = {(folder / name).stat().st_mode for name in ("model.onnx", "model.onnx.data")}
    assert len(modes) == 1


def test_weights_beside_the_graph_repeat_byte_for_byte(exporting):
    one, other = (expect(exporting("fp32,int8", external_data=True), "onnx/v1") for _ in range(2))
    assert one.digest == other.digest


# -------------------------------------------------------------------- levels


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_gives_a_file_that_agrees(exporting, level):
    folder = exporting("optimized", optimization=level)
    found = operators(folder / FILES["optimized"])
    assert ("Attention" in found, "FastGelu" in found) == (level != "O1", level in ("O3", "O4"))
    kinds = {each.data_type for each in onnx.load(folder / FILES["optimized"]).graph.initializer if len(each.dims) == 2}
    assert (TensorProto.FLOAT16 in kinds) == (level == "O4")
    assert open_session(folder / FILES["optimized"]).get_outputs()[0].type == "tensor(float)"


@pytest.mark.parametrize("shape", [{}, {"batch": 1, "length": 16}], ids=["any", "fixed"])
def test_residuals_stay_apart_from_layer_norms(exporting, shape):
    """Together they take many times as long on a CPU, and onnxruntime joins them when it opens a file."""
    folder = exporting("optimized,int8,int8_qdq", **shape)
    for name in ("optimized", "int8", "int8_qdq"):
        found = {node.operator for node in running_nodes(folder / FILES[name])}
        assert ("LayerNormalization" in found, "SkipLayerNormalization" in found) == (True, False)


def test_int8_is_made_of_the_exact_graph_whatever_the_level(exporting):
    exact, rounded = (exporting("int8", optimization=level) / FILES["int8"] for level in ("O2", "O4"))
    assert exact.read_bytes() == rounded.read_bytes()


def test_slimming_leaves_fewer_nodes_and_the_same_answers(exporting, tiny_tokens):
    plain, slimmed = exporting("fp32"), exporting("fp32", slim=True)
    counts = [len(onnx.load(folder / FILES["fp32"]).graph.node) for folder in (plain, slimmed)]
    assert counts[1] < 0.7 * counts[0]
    table = read_split(tiny_tokens, TEST).take(range(4))
    before, after = (predict_onnx(open_session(folder / FILES["fp32"]), table) for folder in (plain, slimmed))
    np.testing.assert_allclose(before, after, atol=1e-5)


# -------------------------------------------------------------------- processors


@pytest.mark.parametrize("name", ["int8", "int8_qdq"])
def test_a_target_changes_how_numbers_are_stored_and_no_answer(exporting, tiny_tokens, name):
    files = {target: exporting(name, target=target) / FILES[name] for target in TARGETS}
    table = read_split(tiny_tokens, TEST).take(range(16))
    answers = {target: predict_onnx(open_session(file), table) for target, file in files.items()}
    np.testing.assert_array_equal(answers["avx2"], answers["arm64"])
    np.testing.assert_array_equal(answers["avx512_vnni"], answers["arm64"])


@pytest.mark.parametrize(("target", "wanted"), [("arm64", np.int8), ("avx2", np.uint8)])
@pytest.mark.parametrize("name", ["int8", "int8_qdq"])
def test_avx2_gets_weights_that_cannot_overflow(exporting, name, target, wanted):
    graph = onnx.load(exporting(name, target=target) / FILES[name])
    weights = [
        numpy_helper.to_array(each)
        for each in graph.graph.initializer
        if each.name.endswith((".weight_int8", ".weight_quantized")) and "embeddings" not in each.name
    ]
    assert len(weights) == (14 if name == "int8_qdq" else 10)
    assert {each.dtype.type for each in weights} == {wanted}


@pytest.mark.parametrize(
    ("option", "value"), [("task", "translation"), ("optimization", "O5"), ("target", "riscv"), ("batch", -1)]
)
def test_choices_that_do_not_exist(option, value):
    with pytest.raises(OptionError, match=option):
        OnnxExportConfig(**{option: value})
