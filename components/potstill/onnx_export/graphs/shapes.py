"""Fixed shapes: what NNAPI, Core ML and other accelerators want behind onnxruntime."""

from onnx import ModelProto, NodeProto, numpy_helper
from onnxruntime.tools.onnx_model_utils import make_dim_param_fixed

from potstill.errors import OptionError
from potstill.onnx_export.graphs.graph import constants, producers

BATCH, LENGTH = "batch_size", "sequence_length"  # what Optimum calls the axes


def fix_shapes(graph: ModelProto, batch: int, length: int) -> None:
    """Give the inputs and the output a number of rows or of tokens for good.

    Comes last: a fusion knows an attention block by the shapes that it computes, and finds none where they stand.

    Args:
        graph: whose axes are named as `trace` names them; changed in place.
        batch: rows; 0: any number.
        length: tokens per row; 0: any number.
    """
    for axis, size in ((BATCH, batch), (LENGTH, length)):
        if size:
            make_dim_param_fixed(graph.graph, axis, size)
    if batch and length:
        _keep_int8_products(graph)


def refuse_too_long(length: int, longest: int) -> None:
    """Refuse a fixed length beyond the model's positions.

    Raises:
        OptionError: length is greater than `longest`.
    """
    if length > longest:
        raise OptionError(f"length must be at most {longest}, the positions that the model has, got {length}")


def _keep_int8_products(graph: ModelProto) -> None:
    """Write the biases of int8 linears as (1, 1, out) instead of (out,).

    Where all shapes stand, onnxruntime makes a Gemm of MatMul and Add if the bias has one axis, and computes it in
    float, since an int8 Gemm takes int32 biases only. Broadcasting is the same.
    """
    held, made = constants(graph), producers(graph)
    for node in graph.graph.node:
        for one, other in (node.input, reversed(node.input)) if node.op_type == "Add" else ():
            if other in held and len(held[other].dims) == 1 and _is_int8_product(made.get(one), made):
                wide = numpy_helper.to_array(held[other])[None, None]
                held[other].CopyFrom(numpy_helper.from_array(wide, other))


def _is_int8_product(node: NodeProto | None, made: dict[str, NodeProto]) -> bool:
    if node is None or node.op_type != "MatMul" or node.input[1] not in made:
        return False
    return bool(made[node.input[1]].op_type == "DequantizeLinear")
