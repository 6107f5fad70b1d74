"""The four files that a checkpoint can become."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from onnx import ModelProto
from torch import nn

from potstill.encoder.checkpoint import load_classifier
from potstill.encoder.quantization import read_scales
from potstill.encoder.quantized_linears import load_quantized
from potstill.errors import ParityError
from potstill.onnx_export.dynamic_int8 import quantize_dynamically
from potstill.onnx_export.fold_embeddings import fold_embeddings
from potstill.onnx_export.fold_linears import fold_linears
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
        checkpoint: the model's folder; with scales of inputs when INT8_QDQ is asked.
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
            built.graphs[INT8] = quantize_dynamically(traced, model, read_scales(checkpoint))
        if FP32 in formats:
            built.graphs[FP32] = traced
    if INT8_QDQ in formats:
        built.graphs[INT8_QDQ] = from_scales(checkpoint, opset)
    return built


def from_scales(checkpoint: Path, opset: int) -> ModelProto:
    """Make the int8 graph of a checkpoint with scales of inputs: its scales, bit for bit, and int8 weights.

    Linears without scales stay float. A smoothed linear's input is divided before it is rounded.

    Raises:
        ParityError: a linear's scales did not reach the graph.
    """
    model, scales = load_quantized(checkpoint), read_scales(checkpoint)
    traced = trace(model, opset)
    lost = {name for name, each in scales.items() if each.input is not None} - fold_linears(traced)
    if lost:
        raise ParityError(f"int8_qdq: the scales of {', '.join(sorted(lost))} are not in the graph; run qat anew")
    tables = {name for name, module in model.named_modules() if isinstance(module, nn.Embedding)}
    fold_embeddings(traced, {name: each.weight for name, each in scales.items() if name in tables})
    return traced
