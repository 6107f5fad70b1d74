"""Faults of ONNX exports that fail in silence elsewhere: each is made to happen here, and does not pass."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_dynamic, quantize_static
from onnxruntime.tools.onnx_model_utils import make_dim_param_fixed
from torch.onnx.errors import UnsupportedOperatorError

from potstill.data.batches import by_length, pad
from potstill.data.tokens import TEST, read_split
from potstill.encoder.checkpoint import load_classifier
from potstill.errors import ParityError
from potstill.measure.onnx_session import INPUTS, feed
from potstill.onnx_export.files.onnx_file import write_onnx
from potstill.onnx_export.graphs.formats import from_scales
from potstill.onnx_export.graphs.optimize import optimize
from potstill.onnx_export.graphs.shapes import fix_shapes
from potstill.onnx_export.graphs.silent_faults import refuse_quantized_attention, require_fused
from potstill.onnx_export.graphs.slim import slim
from potstill.onnx_export.graphs.trace import attention_for, trace
from potstill.onnx_export.int8.int8_kernels import asked_int8, run_int8, running_nodes
from potstill.onnx_export.int8.weight_matching import fused_linears


@pytest.fixture(scope="module")
def model(quantized_checkpoint):
    return load_classifier(quantized_checkpoint)


@pytest.fixture(scope="module")
def traced(model):
    return trace(model, 17)


@pytest.fixture
def rows(tiny_tokens):
    table = read_split(tiny_tokens, TEST).take(range(16))
    batches = [feed(set(INPUTS), pad(table, rows)) for rows in by_length(table, 4)]

    class Rows(CalibrationDataReader):
        def get_next(self):
            return batches.pop() if batches else None

    return Rows()


# -------------------------------------------------------------------- fusion


def test_a_graph_as_it_is_traced_fuses(model, traced):
    require_fused(optimize(traced)[0], model.config)


def test_slimming_before_fusing_loses_the_attention(model, traced):
    slimmed_first = optimize(slim(traced))[0]
    with pytest.raises(ParityError, match="fused the attention of 0 of 2 layers"):
        require_fused(slimmed_first, model.config)


def test_fixing_shapes_before_fusing_loses_the_attention(model, traced):
    fixed = onnx.ModelProto()
    fixed.CopyFrom(traced)
    fix_shapes(fixed, 1, 16)
    with pytest.raises(ParityError, match="fused the attention of 0 of 2 layers"):
        require_fused(optimize(fixed)[0], model.config)


def test_below_opset_14_only_eager_attention_can_be_written(quantized_checkpoint, capfd):
    with pytest.raises(UnsupportedOperatorError, match="scaled_dot_product_attention"):
        trace(load_classifier(quantized_checkpoint), 13)
    capfd.readouterr()  # the exporter prints the whole graph
    eager = load_classifier(quantized_checkpoint, attention_for(13))
    require_fused(optimize(trace(eager, 13))[0], eager.config)


# -------------------------------------------------------------------- int8


def test_quantising_a_fused_graph_without_telling_types_breaks(traced, tmp_path):
    """What optimum-cli does after O2; `dynamic_int8` tells the types."""
    onnx.save(optimize(traced)[0], tmp_path / "fused.onnx")
    with pytest.raises(RuntimeError, match="Unable to find data type for weight_name"):
        quantize_dynamic(tmp_path / "fused.onnx", tmp_path / "int8.onnx", per_channel=True)


def test_quantising_every_operator_is_refused(traced, rows, tmp_path):
    """onnxruntime's static quantisation by default: the mask and the products of two activations, too."""
    onnx.save(traced, tmp_path / "traced.onnx")
    quantize_static(tmp_path / "traced.onnx", tmp_path / "int8.onnx", rows, quant_format=QuantFormat.QDQ)
    with pytest.raises(ParityError, match="values beside the linears' inputs are rounded"):
        refuse_quantized_attention(onnx.load(tmp_path / "int8.onnx"))


def test_signed_inputs_do_not_all_run_in_int8(quantized_checkpoint, tmp_path):
    graph = from_scales(quantized_checkpoint, 17)
    refuse_quantized_attention(graph)
    points = {node.input[2] for node in graph.graph.node if node.op_type == "QuantizeLinear"}
    for tensor in graph.graph.initializer:
        if tensor.name in points:
            value = onnx.numpy_helper.to_array(tensor)
            signed = (value.astype(np.int16) - 128).astype(np.int8)
            tensor.CopyFrom(onnx.numpy_helper.from_array(signed, tensor.name))
    write_onnx(graph, tmp_path / "signed.onnx", {})
    run = run_int8(running_nodes(tmp_path / "signed.onnx"))
    assert 0 < len(run) < len(asked_int8(graph))


def test_fixed_shapes_keep_int8_products(quantized_checkpoint, tmp_path):
    """Left as they are traced, biases would let onnxruntime make each linear a Gemm, in float."""
    graph = from_scales(quantized_checkpoint, 17)
    plain = onnx.ModelProto()
    plain.CopyFrom(graph)
    fix_shapes(plain, 1, 0)
    make_dim_param_fixed(plain.graph, "sequence_length", 16)
    fix_shapes(graph, 1, 16)
    for name, each in (("plain", plain), ("wide", graph)):
        write_onnx(each, tmp_path / f"{name}.onnx", {})
    run = {name: run_int8(running_nodes(tmp_path / f"{name}.onnx")) for name in ("plain", "wide")}
    assert (len(run["plain"]), len(run["wide"])) == (0, 14)


def test_a_linear_that_is_no_product_by_a_constant_is_noticed(model, traced):
    """It would be passed over, and stay float."""
    scales = {"bert.encoder.layer.0.output.dense": torch.ones(32)}
    fused = optimize(traced)[0]
    (node,) = [each for each in fused.graph.node if each.name.endswith("layer.0/output/dense/MatMul")]
    fused.graph.node.insert(0, onnx.helper.make_node("Identity", [node.input[1]], ["moved"]))
    node.input[1] = "moved"
    with pytest.raises(ParityError, match=r"layer\.0\.output\.dense of the scales reached no product"):
        fused_linears(fused, model, scales)


# -------------------------------------------------------------------- what a file tells of the machine


def test_paths_and_source_lines_do_not_reach_a_file(traced, tmp_path):
    """As the dynamo exporter writes them."""
    told = onnx.ModelProto()
    told.CopyFrom(traced)
    for each in (told, told.graph, *told.graph.node, *told.graph.initializer, *told.graph.input, *told.graph.output):
        each.doc_string = "File /home/someone/model.py, line 7"
        each.metadata_props.add(key="pkg.torch.onnx.stack_trace", value="/home/someone/model.py:7")
    told.producer_name = "/home/someone"
    write_onnx(told, tmp_path / "model.onnx", {"labels": ["a"]})
    assert b"someone" not in (tmp_path / "model.onnx").read_bytes()


def test_float16_cannot_become_int8(traced, tmp_path):
    """Why int8 is never made of what O4 gives: the dequantised weights would be float32, and nothing reads those."""
    half = optimize(traced, "O4")[0]
    onnx.save(half, tmp_path / "half.onnx")
    quantize_dynamic(
        tmp_path / "half.onnx",
        tmp_path / "int8.onnx",
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )
    with pytest.raises(ort.capi.onnxruntime_pybind11_state.InvalidGraph, match="float16"):
        ort.InferenceSession(tmp_path / "int8.onnx")
