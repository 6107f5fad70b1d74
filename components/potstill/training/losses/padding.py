"""What padding holds counts for nothing, be it NaN: it is replaced before the arithmetic, gradients included."""

import torch
from torch import Tensor
from torch.nn import functional


def count_tokens(mask: Tensor) -> Tensor:
    """Return the number of real tokens, at least 1 so that it can divide."""
    return (mask != 0).sum().clamp(min=1)


def zero_padding(states: Tensor, mask: Tensor) -> Tensor:
    """Return `states` in fp32 with 0 at padding.

    Args:
        states: (rows, tokens, width).
        mask: (rows, tokens), 1 for a token and 0 for padding.
    """
    return states.float().masked_fill(mask[..., None] == 0, 0.0)


def real_pairs(mask: Tensor) -> Tensor:
    """Return (rows, 1, tokens, tokens) bool: query and key are both real. `mask` as in `zero_padding`."""
    real = mask != 0
    return (real[:, :, None] & real[:, None, :])[:, None]


def log_softmax_over_tokens(scores: Tensor, mask: Tensor) -> Tensor:
    """Return the log softmax over each query's real keys.

    Args:
        scores: (rows, heads, tokens, tokens).
        mask: as in `zero_padding`.

    Returns:
        (rows, heads, tokens, tokens) fp32. exp of it is 0 at padded keys; the rows of padded queries mean nothing.
    """
    # The lowest number rather than −∞: a padded query, which has no real pair, would become NaN.
    filled = scores.float().masked_fill(~real_pairs(mask), torch.finfo(torch.float32).min)
    return functional.log_softmax(filled, dim=-1)
