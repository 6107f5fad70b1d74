"""Putting the int8 weights themselves into the file.

The exporter writes a fake-quantised weight as float → QuantizeLinear → DequantizeLinear → Transpose. Here the first
step is done once and for all, so the file holds int8 and onnxruntime finds the pattern that it runs as an int8 kernel:

    x ─ QuantizeLinear(u8) ─ DequantizeLinear ─┐
                    int8 ─ DequantizeLinear ─ MatMul ─ Add(bias)

An embedding has one scale per vocabulary entry. Its rows are looked up as int8 and scaled after that, so that the
whole table never becomes float:

    ids ─┬ Gather(int8 table) ─ Cast ─┐
         └ Gather(scales) ─────────── Mul
"""

from collections.abc import Mapping

import numpy as np
import torch
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from torch import Tensor

from potstill.encoder.quantization import to_int8
from potstill.onnx_export.graph import Array, add_constant, constants, name_constants, producers, replace_nodes

LINEARS = ("MatMul", "Gemm")


def fold_linears(model: ModelProto) -> int:
    """Turn every fake-quantised weight of a linear into an int8 initialiser; scales stay as they are, bit for bit.

    New initialisers are named after the checkpoint's: `N.weight_int8` (in, out), `N.weight_scale` (out,) float32 and
    `N.weight_zero_point` (out,) int8, all zero.

    Args:
        model: a graph as `trace` makes it of a quantised model; changed in place.

    Returns: how often the graph applies a folded linear; layers may share one.
    """
    name_constants(model)
    made, nodes, applied = producers(model), [], 0
    for node in list(model.graph.node):
        quantize = _weight_quantizer(model, node, made)
        nodes += [node] if quantize is None else _int8_linear(model, node, quantize)
        applied += quantize is not None
    replace_nodes(model, _without_repeats(nodes))
    return applied


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
    name = quantize.input[0].removesuffix(".weight")
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


def _int8_gemm(model: ModelProto, gemm: NodeProto, weight: str) -> list[NodeProto]:
    """Write a Gemm (a linear over (batch, in)) as MatMul and Add over (1, batch, in).

    As Gemm, and as a two-dimensional MatMul with Add, which it makes a Gemm of, onnxruntime computes in float unless
    the bias is int32; and int32 overflows where a row's scale is tiny.
    """
    quantize, restore = _input_pair(model, gemm)
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


def _input_pair(model: ModelProto, linear: NodeProto) -> tuple[NodeProto, NodeProto]:
    made = producers(model)
    restore = made[linear.input[0]]
    return made[restore.input[0]], restore


def _without_repeats(nodes: list[NodeProto]) -> list[NodeProto]:
    """Keep the first of the nodes that write the same value: layers that share a linear share its weight."""
    first = {node.output[0]: node for node in reversed(nodes)}
    return [node for node in nodes if first[node.output[0]] is node]


def fold_embeddings(model: ModelProto, scales: Mapping[str, Tensor]) -> int:
    """Store embedding tables as int8 with one scale per row.

    Args:
        model: a graph as `trace` makes it; changed in place.
        scales: (rows,) float32 by the embedding's name in the checkpoint; tables without one stay float.

    Returns: the number of lookups that now read int8.
    """
    name_constants(model)
    tables = {f"{name}.weight": scale for name, scale in scales.items()}
    nodes, applied = [], 0
    for node in list(model.graph.node):
        is_lookup = node.op_type == "Gather" and node.input[0] in tables
        nodes += _int8_lookup(model, node, tables[node.input[0]]) if is_lookup else [node]
        applied += is_lookup
    replace_nodes(model, nodes)
    return applied


def _int8_lookup(model: ModelProto, gather: NodeProto, scale: Tensor) -> list[NodeProto]:
    name, ids, output = gather.input[0].removesuffix(".weight"), gather.input[1], gather.output[0]
    table = torch.from_numpy(numpy_helper.to_array(constants(model)[gather.input[0]]).copy())
    whole: Array = to_int8(table, scale).numpy()
    rows = add_constant(model, f"{name}.weight_int8", whole)
    column = add_constant(model, f"{name}.weight_scale", scale.numpy()[:, None])
    parts = [f"{output}_{part}" for part in ("int8", "float", "scale")]
    return [
        helper.make_node("Gather", [rows, ids], [parts[0]], name=parts[0]),
        helper.make_node("Cast", [parts[0]], [parts[1]], name=parts[1], to=TensorProto.FLOAT),
        helper.make_node("Gather", [column, ids], [parts[2]], name=parts[2]),
        helper.make_node("Mul", [parts[1], parts[2]], [output], name=gather.name),
    ]


def row_scales(table: Tensor) -> Tensor:
    """The smallest int8 scale that clips nothing: (rows, columns) → (rows,) float32, all above 0."""
    return table.abs().amax(1).clamp_min(torch.finfo(torch.float32).tiny * 127) / 127
