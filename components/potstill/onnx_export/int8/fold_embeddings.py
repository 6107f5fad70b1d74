"""Putting int8 embedding tables into the file.

An embedding has one scale per vocabulary entry. Its rows are looked up as int8 and scaled after that, so that the
whole table never becomes float:

    ids ─┬ Gather(int8 table) ─ Cast ─┐
         └ Gather(scales) ─────────── Mul
"""

from collections.abc import Mapping

import torch
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from torch import Tensor

from potstill.encoder.quantization import to_int8
from potstill.onnx_export.graphs.graph import Array, add_constant, constants, name_constants, replace_nodes


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
