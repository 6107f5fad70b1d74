"""Reading and changing an ONNX graph: constants by name, producers by output, and what is no longer used."""

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper

Array = npt.NDArray[np.generic]
LINEARS = ("MatMul", "Gemm")  # what the exporter writes a linear as


def constants(model: ModelProto) -> dict[str, TensorProto]:
    """Return the initialisers by name."""
    return {tensor.name: tensor for tensor in model.graph.initializer}


def producers(model: ModelProto) -> dict[str, NodeProto]:
    """Return the node that writes each value, by the value's name."""
    return {output: node for node in model.graph.node for output in node.output}


def readers(model: ModelProto) -> dict[str, list[NodeProto]]:
    """Return the nodes that read each value, by the value's name."""
    found: dict[str, list[NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            found.setdefault(name, []).append(node)
    return found


def add_constant(model: ModelProto, name: str, value: Array) -> str:
    """Add an initialiser unless one of that name is there; return the name."""
    if name not in constants(model):
        model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
    return name


def replace_nodes(model: ModelProto, nodes: Iterable[NodeProto]) -> None:
    """Give the graph these nodes, in this order, and drop whatever then leads to no output."""
    kept = list(nodes)
    del model.graph.node[:]
    model.graph.node.extend(kept)
    drop_unused(model)


def name_constants(model: ModelProto) -> None:
    """Turn Constant nodes and second names (Identity) of a constant into initialisers.

    The exporter writes scales as Constant nodes, and of two equal weights keeps one under two names.
    """
    known = constants(model)
    kept = []
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            known[node.output[0]] = node.attribute[0].t
        elif node.op_type == "Identity" and node.input[0] in known:
            known[node.output[0]] = known[node.input[0]]
        else:
            kept.append(node)
    _give_constants(model, known)
    replace_nodes(model, kept)


def _give_constants(model: ModelProto, known: Mapping[str, TensorProto]) -> None:
    named = []
    for name, tensor in known.items():
        copy = TensorProto()
        copy.CopyFrom(tensor)
        copy.name = name
        named.append(copy)
    del model.graph.initializer[:]
    model.graph.initializer.extend(named)


def drop_unused(model: ModelProto) -> None:
    """Remove nodes and initialisers that lead to no output of the graph."""
    used = {output.name for output in model.graph.output}
    kept = []
    for node in reversed(model.graph.node):  # in topological order, so a reader stands behind its writer
        if used.intersection(node.output):
            kept.append(node)
            used.update(node.input)
    tensors = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(reversed(kept))
    model.graph.initializer.extend(tensors)
