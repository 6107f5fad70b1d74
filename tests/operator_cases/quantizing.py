"""Activations as int8, and back."""

import numpy as np

from tests.operator_cases.case import Case, both, floats, in_numpy, mb, same, whole

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


CASES = [*QUANTIZED, *BACK]
