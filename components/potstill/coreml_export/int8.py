"""Int8 weights: on which scales, and how coremltools is told of them.

A checkpoint of qat brings its scales, and they are kept; what it leaves without any stays float16. Any other checkpoint
gets one scale a row, from the row's greatest weight; its embeddings of few rows stay float16. Where inputs are
smoothed, the scales are those of the weight with its columns multiplied: the package then holds such a weight, and
divides the input before. Either way the weights are moved onto their grid and the scales registered as the buffers that
coremltools reads, so the int8 values in the package are those computed here and no others.

Source: coremltools, `converters/mil/frontend/torch/converter.py` (buffers `_COREML_/…`); arXiv:1712.05877.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from transformers import PreTrainedModel

from potstill.encoder.quantization import Scales, snap
from potstill.encoder.quantized_linears import smooth

QUANTIZATION = 3  # coremltools' number for this kind of compression
PREFIX = "_COREML_/"

RowScales = Mapping[str, Tensor]  # module name → (rows,) float32


def move_to_grid(model: PreTrainedModel, scales: Mapping[str, Scales]) -> RowScales:
    """Make a float model's weights those that int8 can hold, in place; inputs stay float.

    Args:
        model: the float classifier; linears with smoothing become smoothed ones.
        scales: by module name.

    Returns: the scales of the rows of the weights that the model has now.
    """
    smooth(model, scales)
    for name, each in scales.items():
        weight = model.get_parameter(f"{name}.weight")
        weight.data = snap(weight.data, each.weight)
    return {name: each.weight for name, each in scales.items()}


def announce(model: PreTrainedModel, scales: RowScales) -> None:
    """Register the buffers by which coremltools learns that a snapped weight is int8 on these scales."""
    for name, scale in scales.items():
        module = model.get_submodule(name)
        module.register_buffer(f"{PREFIX}weight/compression_type", torch.tensor([QUANTIZATION]))
        module.register_buffer(f"{PREFIX}weight/quantization_n_bits", torch.tensor(8))
        module.register_buffer(f"{PREFIX}weight/quantization_scale", scale[:, None].clone())
