"""Fewer, larger operators: constants folded, attention, GELU and normalisation each become one."""

import tempfile
from pathlib import Path

import onnx
from onnx import ModelProto
from onnxruntime.transformers.fusion_options import FusionOptions
from onnxruntime.transformers.optimizer import optimize_model

from potstill.onnx_export.config import ROUNDING_LEVELS
from potstill.onnx_export.graphs.layer_norms import keep_layer_norms
from potstill.onnx_export.graphs.noise import without_noise

FAMILY = "bert"  # whose fusions are looked for; those of the other families are of the same shape


def optimize(model: ModelProto, level: str = "O2") -> tuple[ModelProto, dict[str, int]]:
    """Rewrite a graph as far as a level says; the levels are those of Optimum and onnxruntime.

    O1 folds constants and drops what does nothing. O2 fuses, too: whole attention blocks, bias + GELU, LayerNorm,
    embeddings; heads are read from the graph layer by layer, so pruned ones fuse as well. Up to here the graph computes
    the same. O3 takes GELU by its tanh formula; O4 is O3 in float16, with float32 outputs, for GPUs, and fuses
    residual + LayerNorm, which on a CPU would cost time (`layer_norms`). A family whose blocks are not known
    (MobileBERT) gets what O1 does.

    Args:
        model: a graph as `trace` makes it; not changed.
        level: O1, O2, O3 or O4.

    Returns: the rewritten graph, from O2 on with operators of the domain com.microsoft, and how many of each kind were
        made.

    Source: onnxruntime.transformers.optimizer; arXiv:1606.08415 (both forms of GELU).
    """
    options = FusionOptions(FAMILY)
    options.enable_gelu_approximation = level in ROUNDING_LEVELS
    options.enable_skip_layer_norm = options.enable_bias_skip_layer_norm = level == "O4"
    with tempfile.TemporaryDirectory() as work, without_noise():
        file = Path(work) / "traced.onnx"
        onnx.save(model, file)
        found = optimize_model(
            str(file), model_type=FAMILY, optimization_options=options, opt_level=1, only_onnxruntime=level == "O1"
        )
        if level == "O4":
            found.convert_float_to_float16(keep_io_types=True)
    if level in ("O2", "O3"):
        keep_layer_norms(found.model)
    counts = {} if level == "O1" else found.get_fused_operator_statistics()
    return found.model, {name: count for name, count in counts.items() if count}
