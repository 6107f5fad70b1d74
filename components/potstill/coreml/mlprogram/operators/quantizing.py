"""Activations as integers of 8 bits, and back."""

import torch
from torch import Tensor

from potstill.coreml.mlprogram.table import Dtypes, Settings, like, operator

RANGES = {"int8": (-128, 127, torch.int8), "uint8": (0, 255, torch.uint8)}


def _quantized(_: Dtypes, settings: Settings) -> str:
    if settings["output_dtype"] not in RANGES:
        raise ValueError(f"output_dtype must be {' or '.join(RANGES)}, got {settings['output_dtype']}")
    return str(settings["output_dtype"]).upper()


@operator("quantize", result=_quantized)
def quantize(
    input: Tensor,  # noqa: A002 (so MIL calls it)
    scale: Tensor,
    zero_point: Tensor | None = None,
    *,
    output_dtype: str,
    axis: int | None = None,
) -> Tensor:
    """round(input / scale) + zero_point, cut to the range of the type; halves go to the even integer."""
    low, high, held = RANGES[output_dtype]
    whole = torch.round(input / _along(scale, input, axis))
    if zero_point is not None:
        whole = whole + _along(zero_point, input, axis)
    return torch.clamp(whole, low, high).to(held)


@operator("dequantize", result=like("scale"))
def dequantize(
    input: Tensor,  # noqa: A002 (so MIL calls it)
    scale: Tensor,
    zero_point: Tensor | None = None,
    *,
    axis: int | None = None,
) -> Tensor:
    """(input − zero_point) · scale."""
    shifted = input.float() if zero_point is None else input.float() - _along(zero_point, input, axis).float()
    return shifted * _along(scale, input, axis)


def _along(vector: Tensor, x: Tensor, axis: int | None) -> Tensor:
    """One value for all, or one for each entry along an axis."""
    if not vector.dim() or axis is None:
        return vector
    return vector.reshape(-1, *[1] * (x.dim() - 1 - axis % x.dim()))
