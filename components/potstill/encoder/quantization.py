"""Int8 scales: the arithmetic, and how they lie in a checkpoint.

The weights in `model.safetensors` stay float, so the checkpoint opens without potstill as the float model. Beside each
quantised weight `N.weight` lie named tensors:

    N.weight_scale       (rows,) float32   int8, symmetric, one scale per row (output channel; vocabulary entry)
    N.input_scale        ()      float32   uint8, asymmetric, one scale for the whole input of a linear
    N.input_zero_point   ()      int32     in [0, 255]
    N.input_smoothing    (in,)   float32   the input is divided by it, and the weight's columns are multiplied

    int8 = clamp(round(weight · smoothing / scale), -128, 127)
    uint8 = clamp(round(x / smoothing / scale) + zero_point, 0, 255)

A linear or embedding without a weight scale is float, and config.json names it. A linear with one, but without an
input's, has its input quantised as it comes.

Source: arXiv:1712.05877 (integer-arithmetic-only inference); ONNX QuantizeLinear; arXiv:2211.10438 (smoothing).
`potstill.encoder.quantized_linears` computes with them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from potstill.encoder.checkpoint import is_scale, read_config, read_tensors, tensor_names
from potstill.encoder.scale_checks import require_scales
from potstill.errors import InputError

CONFIG_KEY = "potstill_quantization"
INT8 = (-128, 127)  # ONNX allows no other range for int8; (-127, 127) cannot be exported
UINT8 = (0, 255)
# Of a weight: the least normal float16. Core ML holds scales as float16, and a smaller one would be another there.
SMALLEST_WEIGHT_SCALE = 2.0**-14
SMALLEST_INPUT_SCALE = 1e-8  # an input that is always 0 still needs a scale above 0


@dataclass(frozen=True)
class Scales:
    """Scales of one linear or embedding.

    Attributes:
        weight: (rows,) float32, all above 0.
        input: the input's scale, or None where it is quantised as it comes, and for embeddings, which have none.
        zero_point: the input's zero point in [0, 255], or None.
        smoothing: (in,) float32, all above 0, or None where the input is taken as it is.
    """

    weight: Tensor
    input: float | None = None
    zero_point: int | None = None
    smoothing: Tensor | None = None


def weight_scale(weight: Tensor) -> Tensor:
    """Scale of each row of a weight so that its largest magnitude is 127: (rows, columns) → (rows,).

    It is exact in float16, so that ONNX files and Core ML packages hold the very same value.
    """
    return exact_in_float16(weight.detach().abs().amax(1) / INT8[1])


def exact_in_float16(scale: Tensor) -> Tensor:
    """Move scales of a weight to the nearest that Core ML can hold: (rows,) → (rows,), float32."""
    return scale.half().float().clamp_min(SMALLEST_WEIGHT_SCALE)


def input_scale(low: float, high: float) -> tuple[float, int]:
    """Scale and zero point of an input's range; 0 is always in the range, so that padding stays exactly 0.

    Returns: scale > 0, zero point in [0, 255].

    Source: arXiv:1712.05877, section 3.1.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    scale = max((high - low) / UINT8[1], SMALLEST_INPUT_SCALE)
    return scale, min(max(round(-low / scale), UINT8[0]), UINT8[1])


def to_int8(weight: Tensor, scale: Tensor) -> Tensor:
    """Quantise a weight: (rows, columns) float → int8, one scale per row."""
    return torch.clamp(torch.round(weight / scale[:, None]), *INT8).to(torch.int8)


def snap(weight: Tensor, scale: Tensor) -> Tensor:
    """Move a weight onto its int8 grid: (rows, columns) float → float."""
    return to_int8(weight, scale).float() * scale[:, None]


def smoothed(weight: Tensor, smoothing: Tensor | None) -> Tensor:
    """Return the weight that takes a smoothed input: (rows, columns) → (rows, columns); its scale is of this one."""
    return weight if smoothing is None else weight * smoothing


def is_quantized(path: Path) -> bool:
    """Tell whether a checkpoint carries scales.

    Raises:
        InputError: config.json tells of scales and the file holds none, or the other way round.
    """
    told, held = _layout(path) is not None, any(map(is_scale, tensor_names(path)))
    if told != held:
        raise InputError(
            f"{path}: {CONFIG_KEY} in config.json and scales in model.safetensors go together, here only "
            f"{'the first is' if told else 'the second are'} there; make the checkpoint again by qat"
        )
    return held


def has_input_scales(path: Path) -> bool:
    """Tell whether a checkpoint carries the scale of any input, and not of weights alone."""
    return any(each.input is not None for each in read_scales(path).values())


def read_scales(path: Path) -> dict[str, Scales]:
    """Read a checkpoint's scales, by the name of the module they belong to; empty for a float checkpoint.

    Raises:
        InputError: scales that no quantiser can compute with, that fit no weight, or of which config.json tells another
            story.
    """
    if not is_quantized(path):
        return {}
    tensors = read_tensors(path)
    require_scales(path, tensors, _layout(path) or {})
    names = [name.removesuffix(".weight_scale") for name in tensors if name.endswith(".weight_scale")]
    return {name: _scales_of(name, tensors) for name in sorted(names)}


def _layout(path: Path) -> Mapping[str, Any] | None:
    layout = getattr(read_config(path), CONFIG_KEY, None)
    if layout is not None and not isinstance(layout, dict):
        raise InputError(
            f"{path}: {CONFIG_KEY} in config.json is not what qat writes; make the checkpoint again by qat"
        )
    return layout


def _scales_of(name: str, tensors: Mapping[str, Tensor]) -> Scales:
    scale, zero = tensors.get(f"{name}.input_scale"), tensors.get(f"{name}.input_zero_point")
    return Scales(
        weight=tensors[f"{name}.weight_scale"],
        input=None if scale is None else float(scale),
        zero_point=None if zero is None else int(zero),
        smoothing=tensors.get(f"{name}.input_smoothing"),
    )


def scale_tensors(scales: Mapping[str, Scales]) -> dict[str, Tensor]:
    """The named tensors that `save_checkpoint` writes beside the weights."""
    tensors: dict[str, Tensor] = {}
    for name, each in scales.items():
        tensors[f"{name}.weight_scale"] = each.weight.float()
        if each.input is not None and each.zero_point is not None:
            tensors[f"{name}.input_scale"] = torch.tensor(each.input, dtype=torch.float32)
            tensors[f"{name}.input_zero_point"] = torch.tensor(each.zero_point, dtype=torch.int32)
        if each.smoothing is not None:
            tensors[f"{name}.input_smoothing"] = each.smoothing.float()
    return tensors
