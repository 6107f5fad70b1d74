"""onnxslim: fewer nodes in standard operators."""

import onnxslim
from onnx import ModelProto

from potstill.onnx_export.graphs.noise import without_noise


def slim(model: ModelProto) -> ModelProto:
    """Fold and merge what onnxslim can; standard operators stay standard.

    Nothing is to be fused after it: it rewrites the reshapes by which onnxruntime's optimiser knows an attention block,
    so that none is found any more (`silent_faults.require_fused` refuses such a graph).

    Args:
        model: a graph as `trace` makes it; not changed.
    """
    copy = ModelProto()
    copy.CopyFrom(model)
    with without_noise():
        slimmed: ModelProto = onnxslim.slim(copy)
    return slimmed
