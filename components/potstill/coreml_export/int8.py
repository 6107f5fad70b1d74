"""Int8 weights: on which scales, and how coremltools is told of them.

A checkpoint of qat brings its scales, and they are kept. Any other gets one scale a row, from the row's greatest
weight. Either way the weights are moved onto their grid and the scales registered as the buffers that coremltools
reads, so the int8 values in the package are those computed here and no others.

Source: coremltools, `converters/mil/frontend/torch/converter.py` (buffers `_COREML_/…`); arXiv:1712.05877.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from potstill.encoder.quantization import INT8, is_quantized, read_scales, snap

QUANTIZATION = 3  # coremltools' number for this kind of compression
SMALLEST_SCALE = 2.0**-14  # the least normal float16: scales lie in the package as float16
PREFIX = "_COREML_/"

Scales = Mapping[str, Tensor]  # module name → (rows,) float32


def weight_scales(checkpoint: Path, model: PreTrainedModel) -> Scales:
    """Return the scales of the weights to compress: the checkpoint's own, else one for every linear and embedding."""
    if is_quantized(checkpoint):
        return {name: each.weight for name, each in read_scales(checkpoint).items()}
    return {
        name: row_scales(module.weight.detach())
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | nn.Embedding)
    }


def row_scales(weight: Tensor) -> Tensor:
    """Symmetric scales of a float weight: (rows, columns) → (rows,), each exact in float16."""
    return (weight.abs().amax(1) / INT8[1]).half().float().clamp_min(SMALLEST_SCALE)


def snap_weights(model: PreTrainedModel, scales: Scales) -> PreTrainedModel:
    """Move the weights onto their grid, in place: the model then computes with exactly what int8 can hold."""
    for name, scale in scales.items():
        module = model.get_submodule(name)
        module.weight.data = snap(module.weight.data, scale)
    return model


def announce(model: PreTrainedModel, scales: Scales) -> None:
    """Register the buffers by which coremltools learns that a snapped weight is int8 on these scales."""
    for name, scale in scales.items():
        module = model.get_submodule(name)
        module.register_buffer(f"{PREFIX}weight/compression_type", torch.tensor([QUANTIZATION]))
        module.register_buffer(f"{PREFIX}weight/quantization_n_bits", torch.tensor(8))
        module.register_buffer(f"{PREFIX}weight/quantization_scale", scale[:, None].clone())
