"""Counting what truly runs in int8: onnxruntime decides that when it opens a file, and tells nobody."""

import tempfile
from pathlib import Path

import onnx
import onnxruntime as ort
from onnx import ModelProto

from potstill.measure.onnx_session import PROVIDER, session_options
from potstill.onnx_export.graph import producers

KERNELS = ("MatMulIntegerToFloat", "DynamicQuantizeMatMul", "MatMulInteger", "QLinearMatMul", "QGemm", "QAttention")
ERRORS_ONLY = 3


def asked_int8(model: ModelProto) -> int:
    """Number of linears that a file asks to compute in int8; a fused attention counts as one."""
    made = producers(model)
    return sum(
        node.op_type in ("MatMulInteger", "QAttention")
        or (node.op_type in ("MatMul", "Gemm") and _op(made.get(node.input[1])) == "DequantizeLinear")
        for node in model.graph.node
    )


def run_int8(path: Path) -> int:
    """Number of linears that onnxruntime computes in int8, read back from the graph it made for this processor."""
    with tempfile.TemporaryDirectory() as work:
        options = session_options()
        options.optimized_model_filepath = str(Path(work) / "running.onnx")
        options.log_severity_level = ERRORS_ONLY  # it warns that this graph is for this processor only: so it is meant
        ort.InferenceSession(str(path), options, providers=[PROVIDER])
        running = onnx.load(options.optimized_model_filepath)
    return sum(node.op_type in KERNELS for node in running.graph.node)


def _op(node: onnx.NodeProto | None) -> str:
    return "" if node is None else node.op_type
