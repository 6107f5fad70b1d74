"""Products of matrices: linears, attention, sums by Einstein's convention."""

import torch
from torch import Tensor, nn

from potstill.coreml.mlprogram.table import Dtypes, Settings, alike, mixed, operator


@operator("linear", result=mixed)
def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x: (…, in), weight: (out, in), bias: (out,) → (…, out)."""
    return nn.functional.linear(x, weight, bias)


@operator("matmul", result=mixed)
def matmul(x: Tensor, y: Tensor, *, transpose_x: bool = False, transpose_y: bool = False) -> Tensor:
    """Multiply the matrices of the last two axes, each transposed first where asked."""
    left = x.transpose(-1, -2) if transpose_x else x
    right = y.transpose(-1, -2) if transpose_y else y
    return left @ right


@operator("einsum")
def einsum(*values: Tensor, equation: str) -> Tensor:
    """Sum products over the axes that the equation leaves out; axes of length 1 are broadcast."""
    return torch.einsum(equation, *values)


def _attended(dtypes: Dtypes, settings: Settings) -> str:
    """The mask may be BOOL."""
    masked = "BOOL" if dtypes.get("attn_mask") == "BOOL" else None
    return alike({name: dtype for name, dtype in dtypes.items() if dtype != masked}, settings)


@operator("scaled_dot_product_attention", result=_attended)
def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None) -> Tensor:
    """softmax(query · keyᵀ / √E + mask) · value. Source: arXiv:1706.03762.

    query: (B, …, L, E), key: (B, …, S, E), value: (B, …, S, EV), mask: (…, S), added, or true where S is attended to.
    """
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        scores = scores.masked_fill(~attn_mask, -torch.inf)
    elif attn_mask is not None:
        scores = scores + attn_mask
    return torch.softmax(scores, -1) @ value
