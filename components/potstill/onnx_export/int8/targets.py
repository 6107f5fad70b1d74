"""The same int8 numbers as each processor multiplies them best.

An AVX2 processor adds two products of uint8 and int8 in 16 bits, which overflow in silence: 2 * 255 * 127 is beyond
32,767. Of uint8 and uint8 onnxruntime widens first. So there a weight w, int8 with zero point 0, is stored as w + 128,
uint8 with zero point 128: w + 128 - 128 is the same number, and nothing else changes. Where the processor adds in 32
bits (AVX512-VNNI, arm64) int8 weights are as exact, and faster on the first.

Source: onnxruntime's documentation, "Quantize ONNX models", section "When and why do I need to try U8U8?".
"""

from collections.abc import Iterator

import numpy as np
from onnx import ModelProto, NodeProto, numpy_helper

from potstill.onnx_export.graphs.graph import LINEARS, constants, readers

UNSIGNED_ZERO = 128
# Where a node's weight and its zero point stand among its inputs.
PLACES = {"MatMulInteger": (1, 3), "QAttention": (1, 7), "DequantizeLinear": (0, 2)}


def unsigned_weights(graph: ModelProto) -> None:
    """Store the int8 weights of all linears as uint8 with zero point 128; tables that are looked up stay int8.

    Args:
        graph: an int8 graph, dynamic or with QuantizeLinear/DequantizeLinear; changed in place.
    """
    held = constants(graph)
    for name in {name for node in _products(graph) for name in _places(node)}:
        value = numpy_helper.to_array(held[name])
        if value.dtype == np.int8:
            moved = (value.astype(np.int16) + UNSIGNED_ZERO).astype(np.uint8)
            held[name].CopyFrom(numpy_helper.from_array(moved, name))


def _products(graph: ModelProto) -> Iterator[NodeProto]:
    """The nodes that read an int8 weight of a linear."""
    held, read_by = constants(graph), readers(graph)
    for node in graph.graph.node:
        weight = node.op_type in PLACES and node.input[PLACES[node.op_type][0]] in held
        if weight and all(each.op_type in LINEARS for each in _next(node, read_by)):
            yield node


def _next(node: NodeProto, read_by: dict[str, list[NodeProto]]) -> list[NodeProto]:
    """Who reads a dequantised weight; of a node that multiplies, nobody is asked."""
    return read_by[node.output[0]] if node.op_type == "DequantizeLinear" else []


def _places(node: NodeProto) -> list[str]:
    return [node.input[place] for place in PLACES[node.op_type]]
