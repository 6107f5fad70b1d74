"""What truly runs in int8: onnxruntime decides that when it opens a file, and tells nobody."""

import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import onnx
import onnxruntime as ort
from onnx import ModelProto, NodeProto

from potstill.measure.onnx_session import PROVIDER, writing_options
from potstill.onnx_export.files.ort_reading import Node, ort_nodes
from potstill.onnx_export.graphs.graph import LINEARS, producers
from potstill.onnx_export.int8.weight_matching import JOINT

KERNELS = ("MatMulIntegerToFloat", "DynamicQuantizeMatMul", "MatMulInteger", "QLinearMatMul", "QGemm", "QAttention")
ENDINGS = (".weight_int8", ".weight_quantized")  # of a linear's int8 weight in a file, and in the graph that runs


def asked_int8(graph: ModelProto) -> Counter[str]:
    """Names of the linears that a file asks to compute in int8, and how often each is used."""
    made = producers(graph)
    weights = [_asked_weight(node, made) for node in graph.graph.node]
    return Counter(name for weight in weights for name in linears_of(weight))


def run_int8(running: Iterable[Node]) -> dict[str, list[str]]:
    """Names of the linears that a running graph computes in int8, and by which operator each time.

    Args:
        running: as `running_nodes` returns it.
    """
    found: dict[str, list[str]] = {}
    for node in running:
        if node.operator in KERNELS:
            for name in _linears_read(node.inputs):
                found.setdefault(name, []).append(node.operator)
    return found


def running_nodes(path: Path) -> list[Node]:
    """Read back what plain onnxruntime runs of a file on this processor.

    An ORT file is such a graph already; of an ONNX file it makes one when it opens it.
    """
    if path.suffix == ".ort":
        return ort_nodes(path.read_bytes())
    return [Node(node.op_type, tuple(node.input)) for node in _running_graph(path).graph.node]


def _running_graph(path: Path) -> ModelProto:
    with tempfile.TemporaryDirectory() as work:
        graph = Path(work) / "running.onnx"
        ort.InferenceSession(str(path), writing_options(graph), providers=[PROVIDER])
        return onnx.load(graph, load_external_data=False)


def linears_of(weight: str) -> list[str]:
    """Return the linears whose int8 weight an initialiser is; none where it is no such weight."""
    ending = next((each for each in ENDINGS if weight.endswith(each)), None)
    return weight.removesuffix(ending).split(JOINT) if ending else []


def _asked_weight(node: NodeProto, made: dict[str, NodeProto]) -> str:
    if node.op_type in ("MatMulInteger", "QAttention"):
        return str(node.input[1])
    restore = made.get(node.input[1]) if node.op_type in LINEARS else None
    return str(restore.input[0]) if restore is not None and restore.op_type == "DequantizeLinear" else ""


def _linears_read(inputs: Iterable[str]) -> list[str]:
    return [name for each in inputs for name in linears_of(each)]
