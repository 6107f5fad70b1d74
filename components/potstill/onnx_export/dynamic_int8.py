"""Int8 without calibration: weights as int8 in the file, activations quantised as they come."""

import tempfile
from pathlib import Path

import onnx
import torch
from onnx import ModelProto, TensorProto
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn

from potstill.onnx_export.fold import fold_embeddings, row_scales
from potstill.onnx_export.fuse import fuse
from potstill.onnx_export.noise import without_noise

LINEARS = ("MatMul", "Gemm", "Attention")


def quantize_dynamically(traced: ModelProto, model: nn.Module) -> ModelProto:
    """Make the int8 model that needs no scales from training.

    Weights are symmetric int8, one scale per output channel; embeddings one per vocabulary entry, since a single
    scale for a whole table, which onnxruntime would take, is set by its rarest outlier. Attention is fused first.

    Args:
        traced: a graph as `trace` makes it; not changed.
        model: the classifier it was traced from.
    """
    small = ModelProto()
    small.CopyFrom(traced)
    fold_embeddings(small, {name: row_scales(each.weight.detach()) for name, each in _embeddings(model)})
    fused, _ = fuse(small)
    with tempfile.TemporaryDirectory() as work, without_noise():
        source, target = Path(work) / "fused.onnx", Path(work) / "int8.onnx"
        onnx.save(fused, source)
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=list(LINEARS),
            per_channel=True,
            weight_type=QuantType.QInt8,
            # ONNX's shape inference does not know the fused operators, so the types behind them must be told.
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )
        return onnx.load(target)


def _embeddings(model: nn.Module) -> list[tuple[str, nn.Embedding]]:
    with torch.no_grad():
        return [(name, module) for name, module in model.named_modules() if isinstance(module, nn.Embedding)]
