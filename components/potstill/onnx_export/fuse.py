"""Fewer, larger operators: attention, GELU and normalisation each become one."""

import tempfile
from pathlib import Path

import onnx
from onnx import ModelProto
from onnxruntime.transformers.optimizer import optimize_model

from potstill.onnx_export.noise import without_noise


def fuse(model: ModelProto) -> tuple[ModelProto, dict[str, int]]:
    """Fuse what onnxruntime knows to fuse: whole attention blocks, bias + GELU, residual + LayerNorm, embeddings.

    Heads are read from the graph layer by layer, so pruned ones fuse, too. GELU stays exact. A family whose blocks
    are not known (MobileBERT) gets constant folding and the other basic rewrites only.

    Args:
        model: a graph as `trace` makes it; not changed.

    Returns: the fused graph, with operators of the domain com.microsoft, and how many of each kind were made.

    Source: onnxruntime.transformers.optimizer.
    """
    with tempfile.TemporaryDirectory() as work, without_noise():
        file = Path(work) / "traced.onnx"
        onnx.save(model, file)
        optimizer = optimize_model(str(file), model_type="bert", opt_level=1)
    counts = {name: count for name, count in optimizer.get_fused_operator_statistics().items() if count}
    return optimizer.model, counts
