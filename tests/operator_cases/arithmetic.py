"""Sums, products, comparisons, logic, casts."""

import numpy as np

from tests.operator_cases.case import EDGES, Case, both, floats, in_numpy, mb, whole

LEFT, RIGHT = floats(2, 3), floats(2, 3)
PAIRS = ("add", "sub", "mul", "real_div", "floor_div", "mod", "maximum", "minimum")
COMPARED = ("equal", "not_equal", "greater", "greater_equal", "less", "less_equal")
LOGIC = ("logical_and", "logical_or", "logical_xor")


def pair(name: str, said: str, x: np.ndarray, y: np.ndarray) -> list[Case]:
    return both(name, said, lambda x, y: getattr(mb, name)(x=x, y=y), x=x, y=y)


OF_TWO = [
    *[case for name in PAIRS for case in pair(name, "", LEFT, RIGHT)],
    *[case for name in PAIRS for case in pair(name, "broadcast", floats(2, 1, 3), floats(4, 1))],
    *[case for name in ("add", "mul", "maximum") for case in pair(name, "edges", EDGES, EDGES[::-1].copy())],
    *[case for name in COMPARED for case in pair(name, "edges", EDGES, np.roll(EDGES, 1))],
    *[case for name in COMPARED for case in pair(name, "equals", LEFT, np.where(LEFT > 0, LEFT, RIGHT))],
    *[case for name in ("add", "mul") for case in pair(name, "scalars", np.array(0.1, np.float32), LEFT)],
    *both("pow", "", lambda x, y: mb.pow(x=x, y=y), x=floats(2, 3, low=0, high=2), y=floats(2, 3)),
    *[
        Case(name, "int32", lambda x, y, name=name: getattr(mb, name)(x=x, y=y), {"x": whole(7), "y": whole(7, low=1)})
        for name in ("add", "sub", "mul", "floor_div", "mod", "maximum", "minimum", "pow", *COMPARED)
    ],
    Case(
        "real_div",
        "int32",
        lambda x, y: mb.real_div(x=x, y=y),
        {"x": whole(7), "y": whole(7, low=1)},
        **in_numpy(lambda x, y: np.trunc(x / y).astype(np.int32)),
    ),
    Case(
        "floor_div",
        "int32 too great for float16",
        lambda x, y: mb.floor_div(x=x, y=y),
        {"x": np.array([356552, -356553], np.int32), "y": np.array([7, 7], np.int32)},
    ),
]
YES, NO = np.array([True, True, False, False]), np.array([True, False, True, False])
LOGICAL = [
    *[Case(name, "", lambda x, y, name=name: getattr(mb, name)(x=x, y=y), {"x": YES, "y": NO}) for name in LOGIC],
    Case("logical_not", "", lambda x: mb.logical_not(x=x), {"x": YES}),
    *both("select", "", lambda c, a, b: mb.select(cond=c, a=a, b=b), c=NO[:3], a=LEFT, b=RIGHT),
    Case("select", "int32", lambda c, a, b: mb.select(cond=c, a=a, b=b), {"c": NO, "a": whole(2, 4), "b": whole(2, 4)}),
    *both("select", "broadcast", lambda c, a, b: mb.select(cond=c, a=a, b=b), c=NO, a=EDGES[:4], b=floats(2, 1)),
]
NUMBERS = np.array([0, -0.0, 1.7, -1.7, 2.5, 100.99], np.float32)
CASTS = [
    *both("cast", "to int32", lambda x: mb.cast(x=x, dtype="int32"), x=NUMBERS, tolerance=0.0),
    *both("cast", "to bool", lambda x: mb.cast(x=x, dtype="bool"), x=EDGES),
    *both("cast", "to fp16", lambda x: mb.cast(x=x, dtype="fp16"), x=EDGES * np.float32(1.001), tolerance=1e-3),
    *both("cast", "to fp32", lambda x: mb.cast(x=x, dtype="fp32"), x=EDGES),
    Case("cast", "int32 to fp32", lambda x: mb.cast(x=x, dtype="fp32"), {"x": whole(5)}),
    Case("cast", "bool to int32", lambda x: mb.cast(x=x, dtype="int32"), {"x": NO}),
    *[
        Case(
            "cast",
            f"int32 to {dtype}",
            lambda x, dtype=dtype: mb.cast(x=x, dtype=dtype),
            {"x": whole(5, low=0)},
            since=17,
        )
        for dtype in ("int8", "uint8", "int16", "uint16")
    ],
    *[
        case
        for dtype in ("int8", "uint8", "int16", "uint16")
        for case in both(
            "cast",
            f"to {dtype}",
            lambda x, dtype=dtype: mb.cast(x=x, dtype=dtype),
            x=NUMBERS[[0, 2, 4, 5]],
            since=17,
            tolerance=0.0,
        )
    ],
]
CASES = [*OF_TWO, *LOGICAL, *CASTS]
