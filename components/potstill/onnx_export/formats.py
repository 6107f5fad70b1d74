"""The four files that a checkpoint can become."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from onnx import ModelProto

from potstill.encoder.checkpoint import load_classifier
from potstill.encoder.quantization import load_quantized, read_scales
from potstill.onnx_export.dynamic_int8 import quantize_dynamically
from potstill.onnx_export.fold import fold_embeddings, fold_linears
from potstill.onnx_export.fuse import fuse
from potstill.onnx_export.trace import trace

FP32, OPTIMIZED, INT8, INT8_QDQ = "fp32", "optimized", "int8", "int8_qdq"
FILES = {
    FP32: "model.onnx",
    OPTIMIZED: "model.optimized.onnx",
    INT8: "model.int8.onnx",
    INT8_QDQ: "model.int8.qdq.onnx",
}
FLOAT_FORMATS, INT8_FORMATS = (FP32, OPTIMIZED), (INT8, INT8_QDQ)


@dataclass(frozen=True)
class Built:
    """Graphs by format, and what was fused in the optimised one.

    Attributes:
        graphs: by format.
        fused: number of fused operators by kind; empty where nothing was, or it was not asked for.
    """

    graphs: dict[str, ModelProto] = field(default_factory=dict)
    fused: dict[str, int] = field(default_factory=dict)


def build(formats: Sequence[str], checkpoint: Path, opset: int) -> Built:
    """Make the graph of each format.

    Args:
        formats: names out of FILES.
        checkpoint: the model's folder; with scales when INT8_QDQ is asked.
        opset: version of the ONNX operator set.
    """
    built = Built()
    if {FP32, OPTIMIZED, INT8}.intersection(formats):
        model = load_classifier(checkpoint)
        traced = trace(model, opset)
        if OPTIMIZED in formats:
            built.graphs[OPTIMIZED], fused = fuse(traced)
            built.fused.update(fused)
        if INT8 in formats:
            built.graphs[INT8] = quantize_dynamically(traced, model)
        if FP32 in formats:
            built.graphs[FP32] = traced
    if INT8_QDQ in formats:
        built.graphs[INT8_QDQ] = from_scales(checkpoint, opset)
    return built


def from_scales(checkpoint: Path, opset: int) -> ModelProto:
    """Make the int8 graph of a quantised checkpoint: its scales, bit for bit, and int8 weights."""
    traced = trace(load_quantized(checkpoint), opset)
    fold_linears(traced)
    tables = {name: each.weight for name, each in read_scales(checkpoint).items() if each.input is None}
    fold_embeddings(traced, tables)
    return traced
