"""Models that compute in float what int8 will: linears with their weight and input on their grids.

What the scales mean is told in `potstill.encoder.quantization`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from potstill.encoder.checkpoint import load_classifier
from potstill.encoder.quantization import (
    INT8,
    SMALLEST_INPUT_SCALE,
    UINT8,
    Scales,
    read_scales,
    smoothed,
    snap,
)


class SmoothedLinear(nn.Linear):
    """A float linear whose input is divided by a factor a channel, which its weight's columns are multiplied by."""

    inverse: Tensor

    def __init__(self, linear: nn.Linear, scales: Scales) -> None:
        """Take the linear's weight and bias; scales: with smoothing."""
        assert scales.smoothing is not None
        super().__init__(linear.in_features, linear.out_features, bias=linear.bias is not None)
        self.weight = nn.Parameter(smoothed(linear.weight.detach(), scales.smoothing), requires_grad=False)
        self.bias = linear.bias
        self.register_buffer("inverse", 1 / scales.smoothing, persistent=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden: (…, in) float32 → (…, out) float32."""
        return functional.linear(hidden * self.inverse, self.weight, self.bias)


class QuantizedLinear(nn.Module, ABC):
    """A linear with its weight on its int8 grid; how its input is rounded, its two kinds tell."""

    weight_scale: Tensor
    weight_zero: Tensor
    inverse: Tensor | None

    def __init__(self, linear: nn.Linear, scales: Scales) -> None:
        super().__init__()
        self.weight = nn.Parameter(smoothed(linear.weight.detach(), scales.smoothing), requires_grad=False)
        self.bias = linear.bias
        self.register_buffer("weight_scale", scales.weight, persistent=False)
        self.register_buffer("weight_zero", torch.zeros(len(scales.weight), dtype=torch.int32), persistent=False)
        inverse = None if scales.smoothing is None else 1 / scales.smoothing
        self.register_buffer("inverse", inverse, persistent=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden: (…, in) float32 → (…, out) float32."""
        hidden = self.rounded(hidden if self.inverse is None else hidden * self.inverse)
        weight = torch.fake_quantize_per_channel_affine(self.weight, self.weight_scale, self.weight_zero, 0, *INT8)
        return functional.linear(hidden, weight, self.bias)

    @abstractmethod
    def rounded(self, hidden: Tensor) -> Tensor:
        """Move an input onto its grid: (…, in) float32 → (…, in) float32."""


class FrozenLinear(QuantizedLinear):
    """One whose input has a scale of its own. Exports as Q/DQ pairs."""

    def __init__(self, linear: nn.Linear, scales: Scales) -> None:
        super().__init__(linear, scales)
        if scales.input is None or scales.zero_point is None:
            raise ValueError("a linear with a standing range needs the scale and the zero point of its input")
        self.scale, self.zero_point = scales.input, scales.zero_point

    def rounded(self, hidden: Tensor) -> Tensor:
        """Round to the 256 steps of the range."""
        return torch.fake_quantize_per_tensor_affine(hidden, self.scale, self.zero_point, *UINT8)


class DynamicLinear(QuantizedLinear):
    """One whose input is rounded to 256 steps between its own least and greatest value, a range for each text.

    Source: ONNX DynamicQuantizeLinear, which sees one text at a time on a phone.
    """

    def rounded(self, hidden: Tensor) -> Tensor:
        """Round each text of the batch to the 256 steps of its own range."""
        inner = tuple(range(1, hidden.dim()))
        low, high = hidden.amin(inner, keepdim=True).clamp_max(0), hidden.amax(inner, keepdim=True).clamp_min(0)
        scale = ((high - low) / UINT8[1]).clamp_min(SMALLEST_INPUT_SCALE)
        zero = torch.round(-low / scale)
        return (torch.clamp(torch.round(hidden / scale) + zero, *UINT8) - zero) * scale


def reads_padding(model: nn.Module) -> bool:
    """Tell whether padding changes what a model answers: it is part of the range that is taken from each text."""
    return any(isinstance(module, DynamicLinear) for module in model.modules())


def quantized_linear(linear: nn.Linear, scales: Scales) -> QuantizedLinear:
    """Return a linear's twin that computes with its scales."""
    return (DynamicLinear if scales.input is None else FrozenLinear)(linear, scales)


def freeze(model: PreTrainedModel, scales: Mapping[str, Scales]) -> PreTrainedModel:
    """Make a float model compute with its scales, in place: linears as their twins, embeddings moved to their grid."""
    for name, each in scales.items():
        module = model.get_submodule(name)
        if isinstance(module, nn.Linear):
            model.set_submodule(name, quantized_linear(module, each))
        else:
            module.weight.data = snap(module.weight.data, each.weight)
    return model.eval()


def smooth(model: PreTrainedModel, scales: Mapping[str, Scales]) -> PreTrainedModel:
    """Make a float model's linears take smoothed inputs where they have such scales, in place; it computes the same."""
    for name, each in scales.items():
        if each.smoothing is not None:
            linear = model.get_submodule(name)
            assert isinstance(linear, nn.Linear)
            model.set_submodule(name, SmoothedLinear(linear, each))
    return model


def load_quantized(path: Path, attention: str = "sdpa") -> PreTrainedModel:
    """Load a checkpoint as it will compute on the phone: with its scales where it has them, else as float."""
    return freeze(load_classifier(path, attention), read_scales(path))
