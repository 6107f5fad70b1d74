"""Weights as small integers times a scale: int8 with one scale a row, int4 with one for each block of a row.

    weight ≈ data · scale

Source: arXiv:1712.05877; MIL operators constexpr_affine_dequantize (iOS 16) and constexpr_blockwise_shift_scale (18).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from potstill.coreml.quiet import quiet_coremltools
from potstill.coreml_export.compression.form import Form, Place
from potstill.encoder.quantization import to_int8

with quiet_coremltools():
    from coremltools.converters.mil import Builder as mb  # noqa: N813 (so it is called everywhere)
    from coremltools.converters.mil.mil import types

GREATEST_INT4 = 7
SMALLEST_SCALE = 2.0**-24  # the least float16 above 0; a block on a smaller one is zeros for any purpose


@dataclass(frozen=True)
class Affine(Form):
    """Integers and their scales.

    Attributes:
        data: (rows, columns) int8, in [−8, 7] where `bits` is 4.
        scale: (rows, blocks) float32 that float16 holds; each for columns / blocks entries of a row.
        bits: 8 or 4.
    """

    data: Tensor
    scale: Tensor
    bits: int

    @property
    def dense(self) -> Tensor:
        """Return data · scale."""
        return self.data.float() * self.scale.repeat_interleave(self.data.shape[1] // self.scale.shape[1], 1)

    def operators(self, modern: bool) -> tuple[str, ...]:
        """Name what decompresses it; before iOS 18 there was an operator of another name."""
        return ("constexpr_blockwise_shift_scale" if modern else "constexpr_affine_dequantize",)

    def write(self, place: Place) -> Any:
        """Put the decompression into a program."""
        data, scale = place.full(self.integers()), self.scales(place)
        if place.modern:
            return mb.constexpr_blockwise_shift_scale(data=data, scale=scale, name=place.name, before_op=place.before)
        return mb.constexpr_affine_dequantize(
            quantized_data=data,
            zero_point=np.int8(0),
            scale=scale.reshape(-1),
            axis=np.int32(place.leading),
            name=place.name,
            before_op=place.before,
        )

    def integers(self) -> Any:
        """Return the data in numpy, typed as coremltools wants it."""
        return self.data.numpy().astype(types.nptype_from_builtin(types.int8 if self.bits == 8 else types.int4))

    def scales(self, place: Place) -> Any:
        """Return the scales in numpy, with the type and the axes of the weight."""
        return place.full(self.scale.numpy()).astype(place.dtype)


def int8_rows(weight: Tensor, scale: Tensor) -> Affine:
    """Round a weight (rows, columns) to int8 on given scales (rows,).

    The integers are those of the scales as given; the scales themselves lie in the package as float16.
    """
    return Affine(to_int8(weight, scale), as_float16(scale)[:, None], 8)


def int4_blocks(weight: Tensor, size: int) -> Affine:
    """Round a weight to int4 on one scale a block, from the block's greatest entry.

    Args:
        weight: (rows, columns).
        size: entries of a block; see `dividing`.
    """
    rows, columns = weight.shape
    block = dividing(columns, size)
    blocks = weight.reshape(rows, columns // block, block)
    scale = as_float16(blocks.abs().amax(-1) / GREATEST_INT4)
    data = torch.clamp(torch.round(blocks / scale[..., None]), -GREATEST_INT4 - 1, GREATEST_INT4)
    return Affine(data.reshape(rows, columns).to(torch.int8), scale, 4)


def dividing(length: int, wanted: int) -> int:
    """Return the greatest divisor of `length` that is not above `wanted`, or `length` where that is not half of it.

    coremltools leaves a weight as it is whose width the block does not divide. A much smaller block than wanted would
    hold more scales than weights, as in a pruned layer of 1,201 neurons; there the whole row shares one.
    """
    best = max(size for size in range(1, min(wanted, length) + 1) if length % size == 0)
    return best if 2 * best >= min(wanted, length) else length


def as_float16(scale: Tensor) -> Tensor:
    """Round scales as they lie in a package."""
    return scale.half().float().clamp_min(SMALLEST_SCALE)
