"""Attention scores before the softmax, computed apart from the model: its own kernel may never form them."""

import math

import torch
from torch import Tensor

from potstill.errors import OptionError


def scores(queries: Tensor, keys: Tensor, heads: int) -> Tensor:
    """Return QKᵀ/√d for each head, with d = width / heads.

    Args:
        queries: (rows, tokens, width).
        keys: (rows, tokens, width).
        heads: at least 1; divides the width.

    Returns:
        (rows, heads, tokens, tokens) fp32, padding not masked.

    Raises:
        OptionError: `heads` does not divide the width.
    """
    width = queries.shape[-1]
    if heads < 1 or width % heads:
        raise OptionError(f"a width of {width} cannot be cut into {heads} heads; choose a number that divides it")
    with torch.autocast(queries.device.type, enabled=False):  # bf16 would keep 8 bits of what the softmax exaggerates
        each = _cut(queries, heads) @ _cut(keys, heads).transpose(-1, -2)
    return each / math.sqrt(width // heads)


def _cut(states: Tensor, heads: int) -> Tensor:
    rows, tokens, width = states.shape
    return states.float().view(rows, tokens, heads, width // heads).transpose(1, 2)
