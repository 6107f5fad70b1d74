"""The graphs that a checkpoint becomes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from onnx import ModelProto
from torch import nn

from potstill.encoder.finite import refuse_not_finite
from potstill.encoder.quantization import read_scales
from potstill.encoder.quantized_linears import load_quantized
from potstill.errors import ParityError
from potstill.onnx_export.config import (
    AVX2,
    FP32,
    INT8,
    INT8_QDQ,
    ONNX_FORMATS,
    OPTIMIZED,
    ORT_SOURCES,
    TEXT_CLASSIFICATION,
    OnnxExportConfig,
)
from potstill.onnx_export.graphs.layer_norms import keep_layer_norms
from potstill.onnx_export.graphs.optimize import optimize
from potstill.onnx_export.graphs.shapes import fix_shapes
from potstill.onnx_export.graphs.silent_faults import refuse_quantized_attention, require_fused
from potstill.onnx_export.graphs.slim import slim
from potstill.onnx_export.graphs.trace import attention_for, trace
from potstill.onnx_export.int8.dynamic_int8 import quantize_dynamically
from potstill.onnx_export.int8.fold_embeddings import fold_embeddings
from potstill.onnx_export.int8.fold_linears import fold_linears
from potstill.onnx_export.int8.targets import unsigned_weights
from potstill.onnx_export.tasks import load_float, named_in, part_for

FUSED_OPSET = 17  # the first with LayerNormalization, which fused graphs have
TRACED, FOLDED, SLIMMED = "traced", "O1", "onnxslim"  # steps that are told whether or not a file comes of them


@dataclass(frozen=True)
class Built:
    """Graphs by format, and what became of the nodes on the way.

    Attributes:
        graphs: by format, one of config.ONNX_FORMATS.
        fused: number of fused operators by kind; empty where nothing was, or it was not asked for.
        nodes: by step or format the number of nodes of each operator.
    """

    graphs: dict[str, ModelProto] = field(default_factory=dict)
    fused: dict[str, int] = field(default_factory=dict)
    nodes: dict[str, dict[str, int]] = field(default_factory=dict)

    def count(self, step: str, graph: ModelProto) -> None:
        """Remember what a graph consists of."""
        self.nodes[step] = dict(sorted(Counter(node.op_type for node in graph.graph.node).items()))


def build(asked: Sequence[str], checkpoint: Path, config: OnnxExportConfig) -> Built:
    """Make the graph of each format, and of those that another format is made from.

    Args:
        asked: keys of config.FILES.
        checkpoint: the model's folder; with scales of inputs when INT8_QDQ is asked.
        config: the options.

    Raises:
        ParityError: attention was not fused, or a scale did not reach its graph.
    """
    wanted = {ORT_SOURCES.get(name, name) for name in asked}.intersection(ONNX_FORMATS)
    built = Built()
    if wanted - {INT8_QDQ}:
        _build_float(wanted, checkpoint, config, built)
    if INT8_QDQ in wanted:
        built.graphs[INT8_QDQ] = from_scales(checkpoint, config.opset, config.task)
    if config.target == AVX2:
        for name in wanted.intersection((INT8, INT8_QDQ)):
            unsigned_weights(built.graphs[name])
    for name, graph in built.graphs.items():
        fix_shapes(graph, config.batch, config.length)
        built.count(name, graph)
    return built


def _build_float(wanted: set[str], checkpoint: Path, config: OnnxExportConfig, built: Built) -> None:
    """Make the formats that start from float weights."""
    classifier = load_float(checkpoint, attention_for(config.opset))
    refuse_not_finite(classifier, checkpoint)
    part = part_for(config.task, classifier)
    traced = trace(part, config.opset, config.task)
    fusible = traced if config.opset >= FUSED_OPSET else trace(part, FUSED_OPSET, config.task)
    if wanted.intersection((FP32, OPTIMIZED)):
        _build_exact(wanted, traced, fusible, config, built)
    if INT8 in wanted:
        scales = named_in(part, classifier, read_scales(checkpoint))
        built.graphs[INT8] = quantize_dynamically(fusible, part, scales)
        require_fused(built.graphs[INT8], part.config)
    if OPTIMIZED in wanted and config.optimization != "O1":
        require_fused(built.graphs[OPTIMIZED], part.config)


def _build_exact(
    wanted: set[str], traced: ModelProto, fusible: ModelProto, config: OnnxExportConfig, built: Built
) -> None:
    """Make the float formats, and count the nodes of the steps that lead to them."""
    slimmed = slim(traced)
    for step, graph in ((TRACED, traced), (FOLDED, optimize(traced, "O1")[0]), (SLIMMED, slimmed)):
        built.count(step, graph)
    if OPTIMIZED in wanted:
        start = traced if config.optimization == "O1" else fusible
        built.graphs[OPTIMIZED], fused = optimize(start, config.optimization)
        built.fused.update(fused)
    if FP32 in wanted:
        built.graphs[FP32] = slimmed if config.slim else traced


def from_scales(checkpoint: Path, opset: int, task: str = TEXT_CLASSIFICATION) -> ModelProto:
    """Make the int8 graph of a checkpoint with scales of inputs: its scales, bit for bit, and int8 weights.

    Linears without scales stay float. A smoothed linear's input is divided before it is rounded.

    Args:
        checkpoint: the model's folder.
        opset: version of the ONNX operator set.
        task: one of config.TASKS.

    Raises:
        ParityError: a linear's scales did not reach the graph, or something else than a linear's input is rounded.
    """
    classifier = load_quantized(checkpoint, attention_for(opset))
    refuse_not_finite(classifier, checkpoint)
    part = part_for(task, classifier)
    scales = named_in(part, classifier, read_scales(checkpoint))
    traced = trace(part, opset, task)
    lost = {name for name, each in scales.items() if each.input is not None} - fold_linears(traced)
    if lost:
        raise ParityError(f"int8_qdq: the scales of {', '.join(sorted(lost))} are not in the graph; run qat anew")
    tables = {name for name, module in part.named_modules() if isinstance(module, nn.Embedding)}
    fold_embeddings(traced, {name: each.weight for name, each in scales.items() if name in tables})
    refuse_quantized_attention(traced)
    keep_layer_norms(traced)
    return traced
