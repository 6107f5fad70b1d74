"""Constants that lie compressed, activations as int8, conditions and loops."""

import numpy as np

from tests.operator_cases.case import Case, both, floats, in_numpy, mb, same, types, whole

RANDOM = np.random.default_rng(5)
MATERIALISED = "PyMIL (materialized_val_inference)"
INT4, UINT4, UINT1, UINT2, UINT3, UINT6 = (
    types.np_int4_dtype,
    types.np_uint4_dtype,
    types.np_uint1_dtype,
    types.np_uint2_dtype,
    types.np_uint3_dtype,
    types.np_uint6_dtype,
)


def dense(operator: str, said: str, make, shape: tuple[int, ...], since: int, until: int = 18) -> list[Case]:
    """A constant, added to an input of zeros: bit for bit what coremltools itself decompresses it to.

    Args:
        make: from the float type to the variable that holds the dense constant.
        shape: of the dense constant.
    """

    def build(kind):
        return lambda x: mb.add(x=x, y=make(kind))

    def oracle(kind):
        def materialise(_):
            from coremltools.converters.mil.mil import Function

            with Function({}, opset_version=getattr(__import__("coremltools").target, f"iOS{since}")):
                return np.asarray(make(kind).op.materialized_val_inference())

        return materialise

    return [
        Case(
            operator,
            f"{said}, {name}" if said else name,
            build(kind),
            {"x": np.zeros(shape, kind)},
            since,
            until,
            oracle(kind),
            MATERIALISED,
            0.0,
        )
        for name, kind in (("float32", np.float32), ("float16", np.float16))
        if since >= 16 or kind is np.float32
    ]


def some(low: int, high: int, shape: tuple[int, ...], kind) -> np.ndarray:
    return RANDOM.integers(low, high, shape).astype(kind)


BYTES, SCALES, ZEROS = some(-128, 128, (4, 6), np.int8), floats(4, low=0.01, high=1), some(-9, 9, (4,), np.int8)
AFFINE = [
    *dense(
        "constexpr_affine_dequantize",
        "by row",
        lambda kind: mb.constexpr_affine_dequantize(
            quantized_data=BYTES, zero_point=ZEROS, scale=SCALES.astype(kind), axis=np.int32(0)
        ),
        (4, 6),
        16,
    ),
    *dense(
        "constexpr_affine_dequantize",
        "one scale, uint8, negative axis",
        lambda kind: mb.constexpr_affine_dequantize(
            quantized_data=BYTES.view(np.uint8), zero_point=np.uint8(128), scale=kind(0.03), axis=np.int32(-1)
        ),
        (4, 6),
        16,
    ),
]
BLOCKS = floats(4, 3, low=0.01, high=1)
DATA = {
    "int8": (BYTES, some(-9, 9, (4, 3), np.int8)),
    "uint8": (BYTES.view(np.uint8), some(0, 255, (4, 3), np.uint8)),
    "int4": (some(-8, 8, (4, 6), INT4), some(-8, 8, (4, 3), INT4)),
    "uint4": (some(0, 16, (4, 6), UINT4), some(0, 16, (4, 3), UINT4)),
}


def blockwise(data: np.ndarray, scale: np.ndarray, offset: np.ndarray | None = None):
    given = {} if offset is None else {"offset": offset}
    return lambda kind: mb.constexpr_blockwise_shift_scale(data=data, scale=scale.astype(kind), **given)


BLOCKWISE = [
    *[
        case
        for name, (data, offset) in DATA.items()
        for case in dense("constexpr_blockwise_shift_scale", name, blockwise(data, BLOCKS, offset), (4, 6), 18)
    ],
    *dense("constexpr_blockwise_shift_scale", "no offset", blockwise(DATA["int4"][0], BLOCKS), (4, 6), 18),
    *dense(
        "constexpr_blockwise_shift_scale",
        "blocks on both axes",
        blockwise(DATA["int4"][0], floats(2, 3, low=0.01, high=1)),
        (4, 6),
        18,
    ),
    *dense(
        "constexpr_blockwise_shift_scale",
        "by row of a 1 × 1 convolution",
        blockwise(BYTES.reshape(4, 6, 1, 1), SCALES.reshape(4, 1, 1, 1)),
        (4, 6, 1, 1),
        18,
    ),
]
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


WIDTHS = {1: UINT1, 2: UINT2, 3: UINT3, 4: UINT4, 6: UINT6, 8: np.uint8}
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
CAST = [
    Case(
        "constexpr_cast",
        "",
        lambda x: mb.add(x=x, y=mb.constexpr_cast(source_val=SCALES.astype(np.float16), output_dtype="fp32")),
        {"x": np.zeros(4, np.float32)},
        16,
        **in_numpy(lambda _: SCALES.astype(np.float16).astype(np.float32)),
    )
]
X = floats(2, 4, low=-40, high=40)
HALVES = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 500, -500, 127.4], np.float32)
WIDE = np.array([0.1, 0.5, 1, 2], np.float32)
SHIFTS = np.array([-3, 0, 5, 9])
QUANTIZED = [
    *both("quantize", "", lambda x: mb.quantize(input=x, scale=same(x, 0.5), output_dtype="int8"), x=X, since=17),
    *both(
        "quantize",
        "halves and far out",
        lambda x: mb.quantize(input=x, scale=same(x, 1), output_dtype="int8"),
        x=HALVES,
        since=17,
    ),
    *both(
        "quantize",
        "by column, shifted",
        lambda x: mb.quantize(
            input=x, scale=same(x, WIDE), zero_point=SHIFTS.astype(np.int8), output_dtype="int8", axis=np.int32(-1)
        ),
        x=X,
        since=17,
    ),
    *both(
        "quantize",
        "uint8",
        lambda x: mb.quantize(input=x, scale=same(x, 0.5), zero_point=np.uint8(100), output_dtype="uint8"),
        x=X,
        since=17,
    ),
]


def back(kind, zero: np.ndarray | np.generic | None, scale, axis: int | None):
    given = {} if zero is None else {"zero_point": zero}
    given |= {} if axis is None else {"axis": np.int32(axis)}
    return lambda x: mb.dequantize(input=mb.cast(x=x, dtype=kind), scale=scale, **given)


BACK = [
    Case(
        "dequantize",
        "",
        back("int8", None, np.float32(0.3), None),
        {"x": whole(2, 4)},
        17,
        **in_numpy(lambda x: x * np.float32(0.3)),
    ),
    Case(
        "dequantize",
        "float16",
        back("int8", None, np.float16(0.3), None),
        {"x": whole(2, 4)},
        17,
        **in_numpy(lambda x: x.astype(np.float16) * np.float16(0.3)),
    ),
    Case(
        "dequantize",
        "by column, shifted",
        back("int8", SHIFTS.astype(np.int8), WIDE, 1),
        {"x": whole(2, 4)},
        17,
        **in_numpy(lambda x: (x - SHIFTS) * WIDE),
    ),
    Case(
        "dequantize",
        "uint8",
        back("uint8", np.uint8(7), np.float32(0.5), None),
        {"x": whole(2, 4, low=0)},
        17,
        **in_numpy(lambda x: (x - 7) * 0.5),
    ),
]


def either(x):
    """Twice x where its sum is positive, else 1 less."""
    positive = mb.greater(x=mb.reduce_sum(x=x), y=0.0)
    return mb.cond(pred=positive, _true_fn=lambda: mb.mul(x=x, y=2.0), _false_fn=lambda: mb.sub(x=x, y=1.0))


def doubled(x):
    """Twice x as often as it takes for the sum to pass 100, and how often that is."""
    return mb.while_loop(
        _cond=lambda _, grown: mb.less(x=mb.reduce_sum(x=grown), y=100.0),
        _body=lambda count, grown: (mb.add(x=count, y=1), mb.mul(x=grown, y=2.0)),
        loop_vars=(np.int32(0), x),
    )


FEW = np.array([1, 2, 4], np.float32)
CONTROL = [
    Case("cond", "true", either, {"x": FEW}, **in_numpy(lambda x: x * 2)),
    Case("cond", "false", either, {"x": -FEW}, **in_numpy(lambda x: x - 1)),
    Case("while_loop", "", doubled, {"x": FEW}, **in_numpy(lambda x: (np.int32(4), x * 16))),
    Case("while_loop", "not once", doubled, {"x": FEW * 50}, **in_numpy(lambda x: (np.int32(0), x))),
]
CASES = [*AFFINE, *BLOCKWISE, *PALETTES, *SPARSE, *JOINED, *CAST, *QUANTIZED, *BACK, *CONTROL]
