"""Products of matrices, and attention."""

import numpy as np
import torch

from tests.operator_cases.case import Case, both, floats, in_torch, mb, same, whole

X = floats(2, 3, 4)
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
CASES = PRODUCTS
