"""Constants that lie compressed as integers, with scales."""

import numpy as np

from tests.operator_cases.case import Case, dense, floats, in_numpy, mb, some, types

INT4, UINT4 = types.np_int4_dtype, types.np_uint4_dtype
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
CASES = [*AFFINE, *BLOCKWISE, *CAST]
