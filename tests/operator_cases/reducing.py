"""Reductions along axes, and running sums."""

import numpy as np

from tests.operator_cases.case import EDGES, Case, both, floats, in_numpy, mb, whole

X = floats(2, 3, 4)
POSITIVE = floats(2, 3, 4, low=0.5, high=2)
REDUCED = (
    "reduce_l1_norm",
    "reduce_l2_norm",
    "reduce_log_sum",
    "reduce_log_sum_exp",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_sum",
    "reduce_sum_square",
)


def reduced(name: str, said: str, x: np.ndarray = POSITIVE, **settings) -> list[Case]:
    # float16 sums are kept in float16 by numpy, in float32 here
    return both(name, said, lambda x: getattr(mb, name)(x=x, **settings), x=x, tolerance=3e-3)


REDUCTIONS = [
    *[case for name in REDUCED for case in reduced(name, "", axes=[1])],
    *[case for name in REDUCED for case in reduced(name, "kept, negative axes", axes=[-1, 0], keep_dims=True)],
    *[case for name in REDUCED if name != "reduce_log_sum_exp" for case in reduced(name, "all axes")],
    *[
        Case(name, "int32", lambda x, name=name: getattr(mb, name)(x=x, axes=[1]), {"x": whole(2, 3, low=1)})
        for name in ("reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_sum", "reduce_sum_square")
    ],
    *reduced("reduce_max", "edges", EDGES.reshape(2, 7), axes=[1]),
    *[
        case
        for name in ("reduce_argmax", "reduce_argmin")
        for case in (
            *both(name, "", lambda x, name=name: getattr(mb, name)(x=x, axis=1), x=X),
            *both(name, "kept", lambda x, name=name: getattr(mb, name)(x=x, axis=-1, keep_dims=True), x=X),
            *both(name, "equals", lambda x, name=name: getattr(mb, name)(x=x), x=np.array([[1, 3, 3, 1]], np.float32)),
            *both(
                name,
                "uint16",
                lambda x, name=name: getattr(mb, name)(x=x, axis=0, output_dtype="uint16"),
                x=X,
                since=17,
            ),
        )
    ],
    *both("cumsum", "", lambda x: mb.cumsum(x=x, axis=1), x=X, tolerance=4e-3),
    *both("cumsum", "reverse", lambda x: mb.cumsum(x=x, axis=2, reverse=True), x=X, tolerance=4e-3),
    Case("cumsum", "int32", lambda x: mb.cumsum(x=x, axis=-1), {"x": whole(2, 5)}),
    Case(
        "cumsum",
        "exclusive",
        lambda x: mb.cumsum(x=x, axis=1, exclusive=True),
        {"x": whole(2, 5)},
        **in_numpy(lambda x: np.cumsum(x, 1) - x),
    ),
    Case(
        "cumsum",
        "exclusive, reverse",
        lambda x: mb.cumsum(x=x, axis=1, exclusive=True, reverse=True),
        {"x": whole(2, 5)},
        **in_numpy(lambda x: np.cumsum(x[:, ::-1], 1)[:, ::-1] - x),
    ),
]
CASES = REDUCTIONS
