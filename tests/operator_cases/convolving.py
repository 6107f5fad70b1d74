"""Convolutions and pools."""

import numpy as np
import torch
from torch.nn import functional

from tests.operator_cases.case import Case, both, floats, in_torch, mb, same

X, IMAGE = floats(2, 3, 4), floats(2, 4, 5, 6)
KERNEL, ONE_BY_ONE, GROUPED, LINE = floats(3, 4, 2, 3), floats(6, 4, 1, 1), floats(6, 2, 3, 3), floats(3, 4, 3)


def convolution(said: str, x: np.ndarray, weight: np.ndarray, since: int = 15, **settings) -> list[Case]:
    """A case whose oracle is PyTorch; `padded` (torch's order, last axis first) says what the padding comes to."""
    padded, shift = settings.pop("padded", (0,)), floats(weight.shape[0])
    names = {"strides": "stride", "dilations": "dilation", "groups": "groups"}
    plain = {names[name]: value for name, value in settings.items() if name in names}
    compute = {3: functional.conv1d, 4: functional.conv2d}[x.ndim]

    def oracle(array: torch.Tensor) -> torch.Tensor:
        wider = functional.pad(array, padded) if any(padded) else array
        return compute(wider, torch.from_numpy(weight), torch.from_numpy(shift), **plain)

    return both(
        "conv",
        said,
        lambda x: mb.conv(x=x, weight=same(x, weight), bias=same(x, shift), **settings),
        x=x,
        since=since,
        tolerance=1.5e-2,
        **in_torch(oracle),
    )


CONVOLUTIONS = [
    *convolution("1 × 1 over (B, C, 1, S)", floats(2, 4, 1, 7), ONE_BY_ONE),
    *convolution("valid", IMAGE, KERNEL),
    *convolution("strides and dilations", IMAGE, KERNEL, strides=[2, 1], dilations=[1, 2]),
    *convolution("same", IMAGE, KERNEL, pad_type="same", padded=(1, 1, 0, 1)),
    *convolution("same_lower", IMAGE, KERNEL, 16, pad_type="same_lower", padded=(1, 1, 1, 0)),
    *convolution("custom", IMAGE, KERNEL, pad_type="custom", pad=[1, 0, 2, 1], padded=(2, 1, 1, 0)),
    *convolution("groups", IMAGE, GROUPED, groups=2),
    *convolution("rank 3", floats(2, 4, 9), LINE, strides=[2]),
]
WINDOW = {"kernel_sizes": [2, 3], "strides": [2, 2]}
POOLS = [
    *both(
        "max_pool",
        "",
        lambda x: mb.max_pool(x=x, pad_type="valid", **WINDOW),
        x=IMAGE,
        **in_torch(lambda x: functional.max_pool2d(x, (2, 3), (2, 2))),
    ),
    *both(
        "max_pool",
        "custom",
        lambda x: mb.max_pool(x=x, pad_type="custom", pad=[1, 1, 1, 1], **WINDOW),
        x=IMAGE,
        **in_torch(lambda x: functional.max_pool2d(x, (2, 3), (2, 2), (1, 1))),
    ),
    *both(
        "max_pool",
        "ceil_mode",
        lambda x: mb.max_pool(x=x, pad_type="custom", pad=[1, 1, 1, 1], ceil_mode=True, **WINDOW),
        x=IMAGE,
        **in_torch(lambda x: functional.max_pool2d(x, (2, 3), (2, 2), (1, 1), ceil_mode=True)),
    ),
    *both(
        "avg_pool",
        "",
        lambda x: mb.avg_pool(x=x, pad_type="custom", pad=[1, 1, 1, 1], **WINDOW),
        x=IMAGE,
        **in_torch(lambda x: functional.avg_pool2d(x, (2, 3), (2, 2), (1, 1))),
    ),
    *both(
        "avg_pool",
        "without the border",
        lambda x: mb.avg_pool(x=x, pad_type="custom", pad=[1, 1, 1, 1], exclude_padding_from_average=True, **WINDOW),
        x=IMAGE,
        **in_torch(lambda x: functional.avg_pool2d(x, (2, 3), (2, 2), (1, 1), count_include_pad=False)),
    ),
    *both(
        "avg_pool",
        "same",
        lambda x: mb.avg_pool(x=x, pad_type="same", kernel_sizes=[3], strides=[1]),
        x=X,
        **in_torch(lambda x: functional.avg_pool1d(x, 3, 1, 1)),
    ),
    *both(
        "l2_pool",
        "",
        lambda x: mb.l2_pool(x=x, pad_type="valid", **WINDOW),
        x=IMAGE,
        **in_torch(lambda x: functional.avg_pool2d(x.square(), (2, 3), (2, 2)).mul(6).sqrt()),
    ),
]
CASES = [*CONVOLUTIONS, *POOLS]
