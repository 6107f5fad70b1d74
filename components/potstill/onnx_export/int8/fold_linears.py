"""Putting the int8 weights themselves into the file.

The exporter writes a fake-quantised weight as float → QuantizeLinear → DequantizeLinear → Transpose. Here the first
step is done once and for all, so the file holds int8 and onnxruntime finds the pattern that it runs as an int8 kernel:

    x ─ QuantizeLinear(u8) ─ DequantizeLinear ─┐
                    int8 ─ DequantizeLinear ─ MatMul ─ Add(bias)
"""

from collections.abc import Mapping

import numpy as np
import torch
from onnx import ModelProto, NodeProto, helper, numpy_helper

from potstill.encoder.quantization import to_int8
from potstill.errors import ParityError
from potstill.onnx_export.graphs.graph import LINEARS, add_constant, constants, name_constants, producers, replace_nodes


def fold_linears(model: ModelProto) -> set[str]:
    """Turn every fake-quantised weight of a linear into an int8 initialiser; scales stay as they are, bit for bit.

    A smoothed linear's weight is folded as it is multiplied: its input's division stands before its QuantizeLinear.

    New initialisers are named after the checkpoint's: `N.weight_int8` (in, out), `N.weight_scale` (out,) float32 and
    `N.weight_zero_point` (out,) int8, all zero.

    Args:
        model: a graph as `trace` makes it of a quantised model; changed in place.

    Returns: the names of the folded linears.

    Raises:
        ParityError: a weight is quantised otherwise than symmetrically to int8.
    """
    name_constants(model)
    made, nodes, folded = producers(model), [], set()
    for node in list(model.graph.node):
        quantize = _weight_quantizer(model, node, made)
        nodes += [node] if quantize is None else _int8_linear(model, node, quantize)
        folded |= set() if quantize is None else {_name(quantize)}
    replace_nodes(model, _without_repeats(nodes))
    return folded


def _weight_quantizer(model: ModelProto, node: NodeProto, made: Mapping[str, NodeProto]) -> NodeProto | None:
    """Find the QuantizeLinear of a linear's constant weight, back through Transpose and DequantizeLinear."""
    if node.op_type not in LINEARS:
        return None
    found = made.get(node.input[1])
    for step in ("Transpose", "DequantizeLinear"):
        if found is not None and found.op_type == step:
            found = made.get(found.input[0])
    is_weight = found is not None and found.op_type == "QuantizeLinear" and found.input[0] in constants(model)
    return found if is_weight else None


def _int8_linear(model: ModelProto, linear: NodeProto, quantize: NodeProto) -> list[NodeProto]:
    """Write one linear anew, from its int8 weight on."""
    known = constants(model)
    weight, scale, zero = (numpy_helper.to_array(known[name]) for name in quantize.input)
    name = _name(quantize)
    if zero.dtype != np.int8 or zero.any():
        raise ParityError(f"the weight of {name} must be int8 with zero point 0, got {zero.dtype}; run qat anew")
    whole = to_int8(torch.from_numpy(weight.copy()), torch.from_numpy(scale.copy())).numpy()
    inputs = [
        add_constant(model, f"{name}.weight_int8", whole.T),
        add_constant(model, f"{name}.weight_scale", scale),
        add_constant(model, f"{name}.weight_zero_point", zero),
    ]
    restored = f"{name}.weight_dequantized"
    nodes = [helper.make_node("DequantizeLinear", inputs, [restored], name=restored, axis=1)]
    if linear.op_type == "MatMul":
        return [*nodes, helper.make_node("MatMul", [linear.input[0], restored], linear.output, name=linear.name)]
    return [*nodes, *_int8_gemm(model, linear, restored)]


def _name(quantize: NodeProto) -> str:
    weight: str = quantize.input[0]
    return weight.removesuffix(".weight")


def _int8_gemm(model: ModelProto, gemm: NodeProto, weight: str) -> list[NodeProto]:
    """Write a Gemm (a linear over (batch, in)) as MatMul and Add over (1, batch, in).

    As Gemm, and as a two-dimensional MatMul with Add, which it makes a Gemm of, onnxruntime computes in float unless
    the bias is int32; and int32 overflows where a row's scale is tiny.
    """
    pair = _input_pair(model, gemm)
    if pair is None:  # of a float input nothing is computed in int8, and the count of int8 kernels tells it
        return [helper.make_node("Gemm", [gemm.input[0], weight, gemm.input[2]], gemm.output, name=gemm.name)]
    quantize, restore = pair
    whole, small, large, product, total = (f"{gemm.output[0]}_{part}" for part in ("3d", "u8", "f32", "product", "sum"))
    axis = add_constant(model, "axis_0", np.array([0], np.int64))
    return [
        helper.make_node("Unsqueeze", [quantize.input[0], axis], [whole], name=whole),
        helper.make_node("QuantizeLinear", [whole, *quantize.input[1:]], [small], name=small),
        helper.make_node("DequantizeLinear", [small, *restore.input[1:]], [large], name=large),
        helper.make_node("MatMul", [large, weight], [product], name=product),
        helper.make_node("Add", [product, gemm.input[2]], [total], name=total),
        helper.make_node("Squeeze", [total, axis], gemm.output, name=gemm.name),
    ]


def _input_pair(model: ModelProto, linear: NodeProto) -> tuple[NodeProto, NodeProto] | None:
    made = producers(model)
    restore = made.get(linear.input[0])
    if restore is None or restore.op_type != "DequantizeLinear":
        return None
    return made[restore.input[0]], restore


def _without_repeats(nodes: list[NodeProto]) -> list[NodeProto]:
    """Keep the first of the nodes that write the same value: layers that share a linear share its weight."""
    first = {node.output[0]: node for node in reversed(nodes)}
    return [node for node in nodes if first[node.output[0]] is node]
