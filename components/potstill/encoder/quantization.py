"""Int8 scales: how they lie in a checkpoint, and what a model computes with them.

The weights in `model.safetensors` stay float, so the checkpoint opens without potstill as the float model. Beside each
quantised weight `N.weight` lie named tensors:

    N.weight_scale       (rows,) float32   int8, symmetric, one scale per row (output channel; vocabulary entry)
    N.input_scale        ()      float32   uint8, asymmetric, one scale for the whole input of a linear
    N.input_zero_point   ()      int32     in [0, 255]

    int8 = clamp(round(weight / scale), -128, 127)          uint8 = clamp(round(x / scale) + zero_point, 0, 255)

Source: arXiv:1712.05877 (integer-arithmetic-only inference); ONNX QuantizeLinear.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from potstill.encoder.checkpoint import load_classifier, read_config, read_tensors

CONFIG_KEY = "potstill_quantization"
INT8 = (-128, 127)  # ONNX allows no other range for int8; (-127, 127) cannot be exported
UINT8 = (0, 255)


@dataclass(frozen=True)
class Scales:
    """Scales of one linear or embedding.

    Attributes:
        weight: (rows,) float32, all above 0.
        input: the input's scale, or None where only the weight is quantised (embeddings).
        zero_point: the input's zero point in [0, 255], or None.
    """

    weight: Tensor
    input: float | None = None
    zero_point: int | None = None


def is_quantized(path: Path) -> bool:
    """Tell whether a checkpoint carries scales."""
    return getattr(read_config(path), CONFIG_KEY, None) is not None


def read_scales(path: Path) -> dict[str, Scales]:
    """Read a checkpoint's scales, by the name of the module they belong to; empty for a float checkpoint."""
    tensors = read_tensors(path)
    names = [name.removesuffix(".weight_scale") for name in tensors if name.endswith(".weight_scale")]
    return {name: _scales_of(name, tensors) for name in sorted(names)}


def _scales_of(name: str, tensors: Mapping[str, Tensor]) -> Scales:
    scale, zero = tensors.get(f"{name}.input_scale"), tensors.get(f"{name}.input_zero_point")
    return Scales(
        weight=tensors[f"{name}.weight_scale"],
        input=None if scale is None else float(scale),
        zero_point=None if zero is None else int(zero),
    )


def scale_tensors(scales: Mapping[str, Scales]) -> dict[str, Tensor]:
    """The named tensors that `save_checkpoint` writes beside the weights."""
    tensors: dict[str, Tensor] = {}
    for name, each in scales.items():
        tensors[f"{name}.weight_scale"] = each.weight.float()
        if each.input is not None and each.zero_point is not None:
            tensors[f"{name}.input_scale"] = torch.tensor(each.input, dtype=torch.float32)
            tensors[f"{name}.input_zero_point"] = torch.tensor(each.zero_point, dtype=torch.int32)
    return tensors


def to_int8(weight: Tensor, scale: Tensor) -> Tensor:
    """Quantise a weight: (rows, columns) float → int8, one scale per row."""
    return torch.clamp(torch.round(weight / scale[:, None]), *INT8).to(torch.int8)


def snap(weight: Tensor, scale: Tensor) -> Tensor:
    """Move a weight onto its int8 grid: (rows, columns) float → float."""
    return to_int8(weight, scale).float() * scale[:, None]


class FrozenLinear(nn.Module):
    """A linear that computes as int8 would: weight on its grid, input rounded to 256 steps. Exports as Q/DQ pairs."""

    weight_scale: Tensor
    weight_zero: Tensor

    def __init__(self, linear: nn.Linear, scales: Scales) -> None:
        super().__init__()
        if scales.input is None or scales.zero_point is None:
            raise ValueError("a quantised linear needs the scale and the zero point of its input")
        self.weight, self.bias = linear.weight, linear.bias
        self.scale, self.zero_point = scales.input, scales.zero_point
        self.register_buffer("weight_scale", scales.weight, persistent=False)
        self.register_buffer("weight_zero", torch.zeros(len(scales.weight), dtype=torch.int32), persistent=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden: (…, in) float32 → (…, out) float32."""
        hidden = torch.fake_quantize_per_tensor_affine(hidden, self.scale, self.zero_point, *UINT8)
        weight = torch.fake_quantize_per_channel_affine(self.weight, self.weight_scale, self.weight_zero, 0, *INT8)
        return nn.functional.linear(hidden, weight, self.bias)


def freeze(model: PreTrainedModel, scales: Mapping[str, Scales]) -> PreTrainedModel:
    """Make a float model compute with its scales: linears as FrozenLinear, embeddings snapped to their grid."""
    for name, each in scales.items():
        module = model.get_submodule(name)
        if isinstance(module, nn.Linear):
            parent, _, attribute = name.rpartition(".")
            setattr(model.get_submodule(parent), attribute, FrozenLinear(module, each))
        else:
            module.weight.data = snap(module.weight.data, each.weight)
    return model.eval()


def load_quantized(path: Path, attention: str = "sdpa") -> PreTrainedModel:
    """Load a checkpoint as it will compute on the phone: with its scales where it has them, else as float."""
    return freeze(load_classifier(path, attention), read_scales(path))
