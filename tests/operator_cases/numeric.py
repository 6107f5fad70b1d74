"""What computes with whole tensors: reductions, products of matrices, normalisations, convolutions, pools."""

import numpy as np
import torch
from torch.nn import functional

from tests.operator_cases.case import EDGES, Case, both, floats, in_numpy, in_torch, mb, same, whole

X, IMAGE = floats(2, 3, 4), floats(2, 4, 5, 6)
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
WEIGHT, BIAS = floats(5, 4), floats(5)
QUERY, KEY, VALUE = floats(2, 3, 4, 8), floats(2, 3, 5, 8), floats(2, 3, 5, 6)
SEEN = np.array([[True, True, False, True, False]])
ATTENTION = {"q": QUERY, "k": KEY, "v": VALUE}


def attend(q, k, v, mask=None):
    return mb.scaled_dot_product_attention(query=q, key=k, value=v, attn_mask=mask)


def attended(q, k, v, mask=None):
    scores = q @ k.transpose(-1, -2) / 8**0.5
    if mask is not None:
        scores = torch.where(mask, scores, -torch.inf) if mask.dtype == torch.bool else scores + mask
    return torch.softmax(scores, -1) @ v


PRODUCTS = [
    *both("linear", "", lambda x: mb.linear(x=x, weight=same(x, WEIGHT), bias=same(x, BIAS)), x=X, tolerance=6e-3),
    *both("linear", "no bias", lambda x: mb.linear(x=x, weight=same(x, WEIGHT)), x=X, tolerance=6e-3),
    *both("matmul", "", lambda x, y: mb.matmul(x=x, y=y), x=floats(2, 3, 4), y=floats(4, 5), tolerance=6e-3),
    *both(
        "matmul",
        "transposed",
        lambda x, y: mb.matmul(x=x, y=y, transpose_x=True, transpose_y=True),
        x=floats(1, 4, 3),
        y=floats(2, 5, 4),
        tolerance=6e-3,
    ),
    Case("matmul", "int32", lambda x, y: mb.matmul(x=x, y=y), {"x": whole(2, 3), "y": whole(3, 2)}),
    *both(
        "einsum",
        "rank 4",
        lambda x, y: mb.einsum(values=(x, y), equation="nchw,nwhu->nchu"),
        x=floats(2, 3, 4, 5),
        y=floats(2, 5, 4, 2),
        tolerance=6e-3,
    ),
    *both(
        "einsum",
        "rank 3, broadcast",
        lambda x, y: mb.einsum(values=(x, y), equation="chw,whr->chr"),
        x=floats(3, 1, 5),
        y=floats(5, 4, 2),
        tolerance=6e-3,
    ),
    *both("scaled_dot_product_attention", "", attend, **ATTENTION, since=18, tolerance=6e-3),
    *both(
        "scaled_dot_product_attention",
        "mask of numbers",
        attend,
        **ATTENTION,
        mask=np.where(SEEN, 0, -1e4).astype(np.float32),
        since=18,
        tolerance=6e-3,
        **in_torch(attended),
    ),
    *both(
        "scaled_dot_product_attention",
        "mask of flags",
        attend,
        **ATTENTION,
        mask=SEEN,
        since=18,
        tolerance=6e-3,
        **in_torch(attended),
    ),
]
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
CASES = [*REDUCTIONS, *PRODUCTS, *NORMS, *CONVOLUTIONS, *POOLS]
