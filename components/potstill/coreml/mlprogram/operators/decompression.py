"""Constants that lie compressed in the package: int8, int4 in blocks, palettes, sparse, and one upon the other.

Each formula is Core ML's own; the result is rounded once to the declared float16, bit for bit what coremltools gives.
Two spellings exist of palettes and sparse weights: since iOS 18 indices and masks are typed (UINT4, UINT1, …) and
have the weight's shape; before, they are packed bytes beside a `shape`. What ends in `_to_sparse`, or begins with
`sparse_`, gives a mask and the values that are left, for constexpr_sparse_to_dense to read.
"""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

from potstill.coreml.mlprogram.table import Dtypes, Settings, TypeRule, like, operator
from potstill.coreml.mlprogram.values import unpack

PALETTE_BITS = {2: 1, 4: 2, 8: 3, 16: 4, 64: 6, 256: 8}  # by number of colours


def _mask_and(parameter: str) -> TypeRule:
    def result(dtypes: Dtypes, _: Settings) -> tuple[str, str]:
        return "UINT1", dtypes[parameter]

    return result


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
def lut_to_dense(indices: Tensor, lut: Tensor, *, shape: Sequence[int] = (), vector_axis: int | None = None) -> Tensor:
    """Replace each index by its colour, a number or a vector along an axis.

    lut: (colours,), or (blocks …, colours, vector), a palette for each block of the indices.
    """
    if shape:
        data = unpack(indices.numpy().tobytes(), PALETTE_BITS[lut.numel()], prod(shape))
        return lut[torch.from_numpy(data).long()].reshape(list(shape))
    found = lut.reshape(-1, lut.shape[-1])[_colours(indices, lut)]
    if lut.shape[-1] == 1:
        return found[..., 0]
    if vector_axis is None:
        raise ValueError("vector_axis is missing, and the palette has vectors")
    axis = vector_axis % indices.dim()
    return found.movedim(-1, axis + 1).flatten(axis, axis + 1)


@operator("constexpr_sparse_to_dense", result=like("nonzero_data"), exact=True)
def sparse_to_dense(nonzero_data: Tensor, mask: Tensor, *, shape: Sequence[int] = ()) -> Tensor:
    """Put the kept weights where the mask has a 1, row by row; all else is 0."""
    if shape:
        mask = torch.from_numpy(unpack(mask.numpy().tobytes(), 1, prod(shape))).reshape(list(shape))
    dense = torch.zeros(mask.shape, dtype=nonzero_data.dtype)
    dense[mask.bool()] = nonzero_data
    return dense


@operator("constexpr_lut_to_sparse", result=_mask_and("lut"), exact=True)
def lut_to_sparse(
    indices_mask: Tensor, indices_nonzero_data: Tensor, lut: Tensor, *, vector_axis: int | None = None
) -> tuple[Tensor, Tensor]:
    """Colours of the kept indices alone; a vector of the palette keeps all its entries."""
    dense = lut_to_dense(sparse_to_dense(indices_nonzero_data, indices_mask), lut, vector_axis=vector_axis)
    mask = indices_mask if vector_axis is None else indices_mask.repeat_interleave(lut.shape[-1], vector_axis)
    return mask, dense[mask.bool()]


@operator("constexpr_sparse_blockwise_shift_scale", result=_mask_and("scale"))
def sparse_blockwise_shift_scale(
    data_mask: Tensor, nonzero_data: Tensor, scale: Tensor, offset: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """(data − offset) · scale of the kept entries alone, each by the block in which it lies."""
    dense = blockwise_shift_scale(sparse_to_dense(nonzero_data, data_mask), scale, offset)
    return data_mask, dense[data_mask.bool()]


def _colours(indices: Tensor, lut: Tensor) -> Tensor:
    """The row of each index in the palettes laid one after the other."""
    palette = torch.zeros((), dtype=torch.int64)
    for axis, (length, count) in enumerate(zip(indices.shape, lut.shape[:-2], strict=True)):
        block = torch.arange(length) // (length // count)
        palette = palette * count + block.reshape(-1, *[1] * (indices.dim() - 1 - axis))
    return palette * lut.shape[-2] + indices.long()


def _spread(blocks: Tensor, shape: Sequence[int]) -> Tensor:
    """Repeat each block's entry until the tensor has `shape` (axes of length 1 are left to broadcasting)."""
    for axis, (length, count) in enumerate(zip(shape, blocks.shape, strict=True)):
        if count not in (1, length):
            blocks = blocks.repeat_interleave(length // count, axis)
    return blocks
