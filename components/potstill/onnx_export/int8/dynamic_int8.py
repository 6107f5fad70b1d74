"""Int8 whose activations are quantised as they come: weights as int8 in the file, and no range is known before."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import onnx
from onnx import ModelProto, TensorProto
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn

from potstill.encoder.int8_weights import int8_weights, unsmoothed
from potstill.encoder.quantization import Scales
from potstill.onnx_export.graphs.noise import without_noise
from potstill.onnx_export.graphs.optimize import optimize
from potstill.onnx_export.int8.fold_embeddings import fold_embeddings
from potstill.onnx_export.int8.weight_matching import FusedLinear, fused_linears, overrides, require_int8

NO_SCALES: Mapping[str, Scales] = MappingProxyType({})


def quantize_dynamically(traced: ModelProto, model: nn.Module, scales: Mapping[str, Scales] = NO_SCALES) -> ModelProto:
    """Make the int8 model that needs no ranges of inputs.

    Weights are symmetric int8, one scale per output channel; embeddings one per vocabulary entry, since a single
    scale for a whole table, which onnxruntime would take, is set by its rarest outlier. Attention is fused first, its
    three linears into one: where one of them is to stay float, all three do.

    Args:
        traced: a graph as `trace` makes it; not changed.
        model: the classifier it was traced from, with plain linears.
        scales: the checkpoint's own, by module name; its linears without any stay float. Empty: as
            `int8_weights` gives them.

    Raises:
        ParityError: a weight is not int8 on its scales in the end.
    """
    asked = {name: each.weight for name, each in unsmoothed(model, int8_weights(model, scales)).items()}
    tables = {name for name, module in model.named_modules() if isinstance(module, nn.Embedding)}
    small = ModelProto()
    small.CopyFrom(traced)
    fold_embeddings(small, {name: scale for name, scale in asked.items() if name in tables})
    fused, _ = optimize(small)
    linears = fused_linears(fused, model, {name: scale for name, scale in asked.items() if name not in tables})
    quantized = _quantize(fused, linears)
    require_int8(quantized, linears)
    return quantized


def _quantize(fused: ModelProto, linears: list[FusedLinear]) -> ModelProto:
    with tempfile.TemporaryDirectory() as work, without_noise():
        source, target = Path(work) / "fused.onnx", Path(work) / "int8.onnx"
        onnx.save(fused, source)
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=["MatMul", "Attention"],
            nodes_to_exclude=[each.node for each in linears if each.scale is None],
            per_channel=True,
            weight_type=QuantType.QInt8,
            extra_options={
                # ONNX's shape inference does not know the fused operators, so the types behind them must be told.
                "DefaultTensorType": TensorProto.FLOAT,
                "TensorQuantOverrides": overrides(linears),
            },
        )
        return onnx.load(target)
