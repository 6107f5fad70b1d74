"""Constants that lie compressed in the package: int8, int4 in blocks, palettes, sparse.

Each formula is Core ML's own; the result is rounded once to the declared float16, bit for bit what coremltools gives.
Two spellings exist of palettes and sparse weights: since iOS 18 indices and masks are typed (UINT4, UINT1, …) and
have the weight's shape; before, they are packed bytes beside a `shape`.
"""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

from potstill.coreml.mlprogram.table import like, operator
from potstill.coreml.mlprogram.values import unpack

PALETTE_BITS = {2: 1, 4: 2, 8: 3, 16: 4, 64: 6, 256: 8}  # by number of colours


@operator("constexpr_affine_dequantize", result=like("scale"))
def affine_dequantize(quantized_data: Tensor, zero_point: Tensor, scale: Tensor, *, axis: int) -> Tensor:
    """(data − zero_point) · scale, both one for all, or one for each entry along `axis`."""
    along = [1] * quantized_data.dim()
    along[axis] = -1
    zero = zero_point.reshape(along) if zero_point.dim() else zero_point
    step = scale.reshape(along) if scale.dim() else scale
    return (quantized_data.float() - zero.float()) * step


@operator("constexpr_blockwise_shift_scale", result=like("scale"))
def blockwise_shift_scale(data: Tensor, scale: Tensor, offset: Tensor | None = None) -> Tensor:
    """(data − offset) · scale; scale has one entry for each block along every axis."""
    shifted = data.float() if offset is None else data.float() - _spread(offset.float(), data.shape)
    return shifted * _spread(scale, data.shape)


@operator("constexpr_lut_to_dense", result=like("lut"), exact=True)
def lut_to_dense(indices: Tensor, lut: Tensor, *, shape: Sequence[int] = ()) -> Tensor:
    """Replace each index by its colour: from one palette, or from one palette for each block (lut: (…, colours, 1))."""
    if shape:
        data = unpack(indices.numpy().tobytes(), PALETTE_BITS[lut.numel()], prod(shape))
        return lut[torch.from_numpy(data).long()].reshape(list(shape))
    if lut.shape[-1] != 1:
        raise ValueError("palettes of vectors are not executed")
    palettes = _spread(lut[..., 0], (*indices.shape, lut.shape[-2]))
    return torch.gather(palettes.expand(*indices.shape, -1), -1, indices.long()[..., None])[..., 0]


@operator("constexpr_sparse_to_dense", result=like("nonzero_data"), exact=True)
def sparse_to_dense(nonzero_data: Tensor, mask: Tensor, *, shape: Sequence[int] = ()) -> Tensor:
    """Put the kept weights where the mask has a 1, row by row; all else is 0."""
    if shape:
        mask = torch.from_numpy(unpack(mask.numpy().tobytes(), 1, prod(shape))).reshape(list(shape))
    dense = torch.zeros(mask.shape, dtype=nonzero_data.dtype)
    dense[mask.bool()] = nonzero_data
    return dense


def _spread(blocks: Tensor, shape: Sequence[int]) -> Tensor:
    """Repeat each block's entry until the tensor has `shape` (axes of length 1 are left to broadcasting)."""
    for axis, (length, count) in enumerate(zip(shape, blocks.shape, strict=True)):
        if count not in (1, length):
            blocks = blocks.repeat_interleave(length // count, axis)
    return blocks
