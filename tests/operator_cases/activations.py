"""Functions of one tensor, entry by entry."""

import numpy as np
from torch.nn import functional

from tests.operator_cases.case import EDGES, Case, both, floats, in_torch, mb, same, whole

ALONE = {  # operator → the range that its random entries are drawn from
    "abs": (-3, 3),
    "acos": (-0.9, 0.9),
    "asin": (-0.9, 0.9),
    "atan": (-3, 3),
    "atanh": (-0.9, 0.9),
    "ceil": (-3, 3),
    "cos": (-3, 3),
    "cosh": (-3, 3),
    "erf": (-3, 3),
    "exp": (-3, 3),
    "exp2": (-3, 3),
    "floor": (-3, 3),
    "round": (-3, 3),
    "sign": (-3, 3),
    "sin": (-3, 3),
    "sinh": (-3, 3),
    "sqrt": (0, 9),
    "square": (-3, 3),
    "tan": (-1, 1),
    "tanh": (-3, 3),
    "relu": (-3, 3),
    "relu6": (-9, 9),
    "sigmoid": (-3, 3),
    "softplus": (-3, 3),
    "softsign": (-3, 3),
    "identity": (-3, 3),
}
OF_ONE = [
    case
    for name, (low, high) in ALONE.items()
    for case in both(name, "", lambda x, name=name: getattr(mb, name)(x=x), x=floats(2, 3, low=low, high=high))
]
EDGY = [  # what float16 rounds or cannot hold, and what is no number
    case
    for name in ("abs", "atan", "ceil", "exp", "floor", "identity", "relu", "relu6", "sign", "sqrt", "square", "tanh")
    for case in both(name, "edges", lambda x, name=name: getattr(mb, name)(x=x), x=EDGES)
]
SCALARS = [
    case
    for name in ("exp", "sqrt", "tanh", "relu")
    for case in both(name, "a scalar", lambda x, name=name: getattr(mb, name)(x=x), x=np.float32(0.7).reshape(()))
]
WHOLE = [
    Case(name, "int32", lambda x, name=name: getattr(mb, name)(x=x), {"x": whole(2, 3)})
    for name in ("abs", "sign", "square", "identity")
]
X, IMAGE = floats(2, 3), floats(2, 3, 4, 2)
BY_CHANNEL = np.array([0.25, 0.5, 2], np.float32)

WITH_NUMBERS = [
    *both("clip", "", lambda x: mb.clip(x=x, alpha=same(x, -1), beta=same(x, 1.5)), x=X),
    *both("clip", "edges", lambda x: mb.clip(x=x, alpha=same(x, -1), beta=same(x, 1.5)), x=EDGES),
    *both("threshold", "", lambda x: mb.threshold(x=x, alpha=same(x, 0.5)), x=X),
    *both("inverse", "", lambda x: mb.inverse(x=x), x=floats(2, 3, low=1)),
    *both("inverse", "epsilon", lambda x: mb.inverse(x=x, epsilon=same(x, 0.5)), x=floats(2, 3, low=1)),
    *both("log", "", lambda x: mb.log(x=x), x=floats(2, 3, low=0.1)),
    *both("log", "epsilon", lambda x: mb.log(x=x, epsilon=same(x, 0.5)), x=floats(2, 3, low=0)),
    *both("rsqrt", "", lambda x: mb.rsqrt(x=x), x=floats(2, 3, low=0.1)),
    *both("rsqrt", "epsilon", lambda x: mb.rsqrt(x=x, epsilon=same(x, 0.5)), x=floats(2, 3, low=0)),
    *both("leaky_relu", "", lambda x: mb.leaky_relu(x=x, alpha=same(x, 0.1)), x=X),
    *both("clamped_relu", "", lambda x: mb.clamped_relu(x=x, alpha=same(x, 0.1), beta=same(x, 1)), x=X),
    *both("thresholded_relu", "", lambda x: mb.thresholded_relu(x=x, alpha=same(x, 0.5)), x=X),
    *both("elu", "", lambda x: mb.elu(x=x, alpha=same(x, 0.5)), x=X),
    *both("linear_activation", "", lambda x: mb.linear_activation(x=x, alpha=same(x, 2), beta=same(x, 1)), x=X),
    *both("sigmoid_hard", "", lambda x: mb.sigmoid_hard(x=x, alpha=same(x, 0.25), beta=same(x, 0.5)), x=X),
    *both("scaled_tanh", "", lambda x: mb.scaled_tanh(x=x, alpha=same(x, 2), beta=same(x, 0.5)), x=X),
    *both("prelu", "", lambda x: mb.prelu(x=x, alpha=same(x, BY_CHANNEL)), x=IMAGE),
    *both(
        "softplus_parametric",
        "",
        lambda x: mb.softplus_parametric(x=x, alpha=same(x, BY_CHANNEL), beta=same(x, BY_CHANNEL)),
        x=IMAGE,
        tolerance=4e-3,
    ),
    *both("silu", "", lambda x: mb.silu(x=x), x=X, **in_torch(functional.silu)),
    *[
        case
        for mode in ("EXACT", "TANH_APPROXIMATION", "SIGMOID_APPROXIMATION")
        for case in both("gelu", mode, lambda x, mode=mode: mb.gelu(x=x, mode=mode), x=X, tolerance=2e-3)
    ],
    *both("gelu", "far out", lambda x: mb.gelu(x=x), x=np.array([-30, 30, 0], np.float32)),
    *[
        case
        for axis in (-1, 0, 1)
        for case in both("softmax", f"axis {axis}", lambda x, axis=axis: mb.softmax(x=x, axis=axis), x=IMAGE)
    ],
    *both("softmax", "masked", lambda x: mb.softmax(x=x), x=np.array([[0, 1, -1e4], [2, -1e4, 1]], np.float32)),
    *both("softmax", "−∞", lambda x: mb.softmax(x=x), x=np.array([[0, 1, -np.inf]], np.float32)),
    *both("softmax", "all −∞", lambda x: mb.softmax(x=x), x=np.full((1, 3), -np.inf, np.float32)),
]
CASES = [*OF_ONE, *EDGY, *SCALARS, *WHOLE, *WITH_NUMBERS]
