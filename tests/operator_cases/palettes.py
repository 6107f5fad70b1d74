"""Constants that lie compressed as palettes, sparse, and one upon the other."""

import numpy as np

from tests.operator_cases.blocks import BLOCKS, DATA, SCALES
from tests.operator_cases.case import Case, dense, floats, in_numpy, mb, some, types

INT4, UINT1, UINT2 = types.np_int4_dtype, types.np_uint1_dtype, types.np_uint2_dtype
WIDTHS = {1: UINT1, 2: UINT2, 3: types.np_uint3_dtype, 4: types.np_uint4_dtype, 6: types.np_uint6_dtype, 8: np.uint8}
PACKED = {1: 2, 2: 4, 4: 16, 6: 64, 8: 256}


def packed(bits: int):
    """A palette in the spelling of iOS 16: packed bytes beside a shape."""
    data = some(0, 256, (-(-24 * bits // 8),), np.uint8)
    colours = floats(PACKED[bits])
    return lambda kind: mb.constexpr_lut_to_dense(
        indices=data, lut=colours.astype(kind), shape=np.array([4, 6], np.uint32)
    )


def palette(indices: np.ndarray, lut: np.ndarray, axis: int | None = None):
    given = {} if axis is None else {"vector_axis": np.int32(axis)}
    return lambda kind: mb.constexpr_lut_to_dense(indices=indices, lut=lut.astype(kind), **given)


QUARTERS, PAIRS = some(0, 4, (4, 6), UINT2), some(0, 4, (4, 3), UINT2)
PALETTES = [
    *[
        case
        for bits in PACKED
        for case in dense("constexpr_lut_to_dense", f"{bits} bits, packed", packed(bits), (4, 6), 16, 17)
    ],
    *[
        case
        for bits, width in WIDTHS.items()
        for case in dense(
            "constexpr_lut_to_dense",
            f"{bits} bits",
            palette(some(0, 2**bits, (4, 6), width), floats(1, 1, 2**bits, 1)),
            (4, 6),
            18,
        )
    ],
    *dense("constexpr_lut_to_dense", "by group of rows", palette(QUARTERS, floats(2, 1, 4, 1)), (4, 6), 18),
    *dense("constexpr_lut_to_dense", "by group of columns", palette(QUARTERS, floats(1, 3, 4, 1)), (4, 6), 18),
    *dense("constexpr_lut_to_dense", "groups on both axes", palette(QUARTERS, floats(2, 3, 4, 1)), (4, 6), 18),
    *dense("constexpr_lut_to_dense", "vectors along columns", palette(PAIRS, floats(1, 1, 4, 2), 1), (4, 6), 18),
    *dense("constexpr_lut_to_dense", "vectors along rows", palette(PAIRS, floats(1, 1, 4, 2), 0), (8, 3), 18),
    *dense("constexpr_lut_to_dense", "vectors by group of rows", palette(PAIRS, floats(2, 1, 4, 2), -1), (4, 6), 18),
]
MASK = np.array([[1, 0, 0, 1, 1, 0], [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1], [0, 0, 1, 0, 0, 1]])
KEPT = int(MASK.sum())
BITS = np.packbits(MASK.reshape(-1), bitorder="little")
LEFT = floats(KEPT)
SPARSE = [
    *dense(
        "constexpr_sparse_to_dense",
        "packed",
        lambda kind: mb.constexpr_sparse_to_dense(
            nonzero_data=LEFT.astype(kind), mask=BITS, shape=np.array([4, 6], np.uint32)
        ),
        (4, 6),
        16,
        17,
    ),
    *dense(
        "constexpr_sparse_to_dense",
        "",
        lambda kind: mb.constexpr_sparse_to_dense(nonzero_data=LEFT.astype(kind), mask=MASK.astype(UINT1)),
        (4, 6),
        18,
    ),
]


def sparse_palette(lut: np.ndarray, mask: np.ndarray = MASK, axis: int | None = None):
    kept, given = some(0, 4, (int(mask.sum()),), UINT2), {} if axis is None else {"vector_axis": np.int32(axis)}

    def make(kind):
        found = mb.constexpr_lut_to_sparse(
            indices_mask=mask.astype(UINT1), indices_nonzero_data=kept, lut=lut.astype(kind), **given
        )
        return mb.constexpr_sparse_to_dense(nonzero_data=found[1], mask=found[0])

    return make


def sparse_blocks(offset: np.ndarray | None):
    kept, given = some(-8, 8, (KEPT,), INT4), {} if offset is None else {"offset": offset}

    def make(kind):
        found = mb.constexpr_sparse_blockwise_shift_scale(
            data_mask=MASK.astype(UINT1), nonzero_data=kept, scale=BLOCKS.astype(kind), **given
        )
        return mb.constexpr_sparse_to_dense(nonzero_data=found[1], mask=found[0])

    return make


PALETTE, STEPS = some(-128, 128, (2, 1, 4, 1), np.int8), floats(2, 1, 1, 1, low=0.01, high=1)


def scaled_colours(kind):
    """A palette of int8 whose colours are scaled by group before they are looked up."""
    colours = mb.constexpr_blockwise_shift_scale(data=PALETTE, scale=STEPS.astype(kind))
    return mb.constexpr_lut_to_dense(indices=QUARTERS, lut=colours)


def looked_up(_):
    colours = PALETTE.astype(np.float32) * STEPS
    return np.take_along_axis(colours.reshape(2, 4).repeat(2, 0), QUARTERS.astype(np.int64), 1)


def scaled_palette(kind):
    """A palette of int8 whose dense values are scaled by row."""
    data = mb.constexpr_lut_to_dense(indices=QUARTERS, lut=PALETTE)
    return mb.constexpr_blockwise_shift_scale(data=data, scale=SCALES.reshape(4, 1).astype(kind))


JOINED = [
    *dense("constexpr_lut_to_sparse", "", sparse_palette(floats(1, 1, 4, 1)), (4, 6), 18),
    *dense("constexpr_lut_to_sparse", "by group of rows", sparse_palette(floats(2, 1, 4, 1)), (4, 6), 18),
    *dense("constexpr_lut_to_sparse", "vectors", sparse_palette(floats(1, 1, 4, 2), MASK, 0), (8, 6), 18),
    *dense("constexpr_sparse_blockwise_shift_scale", "", sparse_blocks(None), (4, 6), 18),
    *dense("constexpr_sparse_blockwise_shift_scale", "offset", sparse_blocks(DATA["int4"][1]), (4, 6), 18),
    *dense("constexpr_blockwise_shift_scale", "of an int8 palette's values", scaled_palette, (4, 6), 18),
    Case(
        "constexpr_lut_to_dense",
        "of scaled int8 colours",
        lambda x: mb.add(x=x, y=scaled_colours(np.float32)),
        {"x": np.zeros((4, 6), np.float32)},
        18,
        **in_numpy(looked_up),
    ),
]
CASES = [*PALETTES, *SPARSE, *JOINED]
