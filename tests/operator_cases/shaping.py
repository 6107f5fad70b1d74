"""What only changes its place or its shape."""

import numpy as np
import torch

from tests.operator_cases.case import both, every, floats, in_numpy, in_torch, mb

X, Y = floats(2, 3, 4), floats(2, 3, 4)
ONES = floats(1, 3, 1, 4)

MOVED = [
    *every("reshape", "−1", lambda x: mb.reshape(x=x, shape=[2, -1])),
    *every("reshape", "0 keeps an axis", lambda x: mb.reshape(x=x, shape=[0, 4, -1])),
    *every("reshape", "of a scalar", lambda x: mb.reshape(x=x, shape=[1, 1]), np.array(0.5, np.float32)),
    *every("flatten2d", "", lambda x: mb.flatten2d(x=x, axis=2)),
    *every("flatten2d", "axis −1", lambda x: mb.flatten2d(x=x, axis=-1)),
    *every("transpose", "", lambda x: mb.transpose(x=x, perm=[2, 0, 1])),
    *every("transpose", "negative axes", lambda x: mb.transpose(x=x, perm=[-1, 0, -2])),
    *every("expand_dims", "", lambda x: mb.expand_dims(x=x, axes=[1, -1])),
    *every("squeeze", "", lambda x: mb.squeeze(x=x, axes=[0, -2]), ONES),
    *every("squeeze", "all", lambda x: mb.squeeze(x=x), ONES),
    *every("reverse", "", lambda x: mb.reverse(x=x, axes=[0, -1])),
    *every("reverse", "all", lambda x: mb.reverse(x=x)),
    *every("tile", "", lambda x: mb.tile(x=x, reps=[2, 1, 3])),
    *every("concat", "", lambda x: mb.concat(values=(x, x, x), axis=-2)),
    *both("concat", "two", lambda x, y: mb.concat(values=(x, y), axis=0), x=X, y=Y),
    *both(
        "concat",
        "by turns",
        lambda x, y: mb.concat(values=(x, y), axis=1, interleave=True),
        x=X,
        y=Y,
        **in_numpy(lambda x, y: np.stack([x, y], 2).reshape(2, 6, 4)),
    ),
    *both("stack", "", lambda x, y: mb.stack(values=(x, y), axis=1), x=X, y=Y),
    *both(
        "stack",
        "axis −1",
        lambda x, y: mb.stack(values=(x, y), axis=-1),
        x=X,
        y=Y,
        **in_torch(lambda x, y: torch.stack([x, y], -1)),
    ),
    *every("split", "so many", lambda x: mb.split(x=x, num_splits=2, axis=-1)),
    *every("split", "sizes", lambda x: mb.split(x=x, split_sizes=[1, 2], axis=1)),
    *both(
        "sliding_windows",
        "",
        lambda x: mb.sliding_windows(x=x, axis=2, size=3, stride=1),
        x=X,
        **in_numpy(lambda x: np.stack([x[..., 0:3], x[..., 1:4]], 2)),
    ),
]
CASES = MOVED
