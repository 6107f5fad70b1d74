"""Rounding to 8 bits in training, bit for bit as `potstill.encoder.quantized_linears` rounds."""

import torch
from torch import Tensor

from potstill.encoder.quantization import INT8, UINT8, snap


def round_input(hidden: Tensor, scale: float, zero_point: int) -> Tensor:
    """Round an input to its 256 steps; the gradient passes straight through, save where it is clipped."""
    return torch.fake_quantize_per_tensor_affine(hidden, scale, zero_point, *UINT8)


def round_weight(weight: Tensor, scale: Tensor) -> Tensor:
    """Round a linear's weight, (rows, columns), with the scale of each row, (rows,); gradient as above."""
    zeros = torch.zeros_like(scale, dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weight, scale, zeros, 0, *INT8)


def round_entries(entries: Tensor, scale: Tensor) -> Tensor:
    """Round entries of an embedding, (n, columns), with the scale of each, (n,); the gradient passes straight through.

    It divides by the scale as a frozen embedding does; the functions above multiply by the inverse, as frozen linears.
    None may be clipped: a scale is that of the entry's largest magnitude.
    """
    return snap(entries.detach(), scale) + (entries - entries.detach())
