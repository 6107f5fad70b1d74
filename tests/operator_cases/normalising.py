"""Normalisations."""

import numpy as np
import torch
from torch.nn import functional

from tests.operator_cases.case import both, floats, in_torch, mb, same

X, IMAGE = floats(2, 3, 4), floats(2, 4, 5, 6)
GAMMA, BETA = floats(4), floats(4)


def layer_norm_of(x, axes, scale=None, shift=None, epsilon=1e-3):
    given = {} if scale is None else {"gamma": same(x, scale), "beta": same(x, shift)}
    return mb.layer_norm(x=x, axes=axes, epsilon=same(x, epsilon), **given)


def by_channel(function):
    return lambda x: function(x, torch.from_numpy(GAMMA), torch.from_numpy(BETA))


LAST = floats(6), floats(6)
PLANES = floats(4, 5), floats(4, 5)
NORMS = [
    *both("layer_norm", "last axis", lambda x: layer_norm_of(x, [-1], *LAST), x=IMAGE, tolerance=8e-3),
    *both(
        "layer_norm",
        "channels of (B, C, 1, S)",
        lambda x: layer_norm_of(x, [1], GAMMA, BETA),
        x=floats(2, 4, 1, 5),
        tolerance=8e-3,
    ),
    *both(
        "layer_norm",
        "two axes, not the last",
        lambda x: layer_norm_of(x, [2, 1], *PLANES),
        x=IMAGE,
        tolerance=8e-3,
    ),
    *both("layer_norm", "no scale", lambda x: layer_norm_of(x, [1, 2, 3]), x=IMAGE, tolerance=8e-3),
    *both(
        "batch_norm",
        "",
        lambda x: mb.batch_norm(
            x=x,
            mean=same(x, BETA),
            variance=same(x, np.abs(GAMMA) + 1),
            gamma=same(x, GAMMA),
            beta=same(x, BETA),
            epsilon=same(x, 1e-3),
        ),
        x=IMAGE,
        tolerance=6e-3,
        **in_torch(by_channel(lambda x, g, b: functional.batch_norm(x, b, g.abs() + 1, g, b, eps=1e-3))),
    ),
    *both(
        "instance_norm",
        "",
        lambda x: mb.instance_norm(x=x, gamma=same(x, GAMMA), beta=same(x, BETA), epsilon=same(x, 1e-3)),
        x=IMAGE,
        tolerance=6e-3,
        **in_torch(by_channel(lambda x, g, b: functional.instance_norm(x, weight=g, bias=b, eps=1e-3))),
    ),
    *both("l2_norm", "rank 3", lambda x: mb.l2_norm(x=x, epsilon=same(x, 1e-3)), x=X, tolerance=4e-3),
    *both("l2_norm", "", lambda x: mb.l2_norm(x=x, epsilon=same(x, 1e-3)), x=IMAGE, tolerance=6e-3),
]
CASES = NORMS
