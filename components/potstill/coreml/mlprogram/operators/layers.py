"""What a Transformer layer is made of: linears, products of matrices, normalisation, softmax."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from potstill.coreml.mlprogram.table import operator


@operator("linear")
def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x: (…, in), weight: (out, in), bias: (out,) → (…, out)."""
    return nn.functional.linear(x, weight, bias)


@operator("matmul")
def matmul(x: Tensor, y: Tensor, *, transpose_x: bool = False, transpose_y: bool = False) -> Tensor:
    """Multiply the matrices of the last two axes, each transposed first where asked."""
    left = x.transpose(-1, -2) if transpose_x else x
    right = y.transpose(-1, -2) if transpose_y else y
    return left @ right


@operator("layer_norm")
def layer_norm(
    x: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None, *, axes: Sequence[int], epsilon: float = 1e-5
) -> Tensor:
    """Normalise over the last axes. Source: arXiv:1607.06450."""
    last = list(range(x.dim() - len(axes), x.dim()))
    if sorted(axis % x.dim() for axis in axes) != last:
        raise ValueError(f"axes must be the last ones, got {list(axes)}")
    return nn.functional.layer_norm(x, x.shape[last[0] :], gamma, beta, epsilon)


@operator("softmax")
def softmax(x: Tensor, *, axis: int = -1) -> Tensor:
    """Exponentials that sum to 1 along an axis."""
    return torch.softmax(x, axis)
