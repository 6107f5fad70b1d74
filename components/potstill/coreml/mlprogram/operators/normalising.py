"""Normalisations: over axes, over channels, by length."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from potstill.coreml.mlprogram.table import mixed, operator


@operator("layer_norm", result=mixed)
def layer_norm(
    x: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    *,
    axes: Sequence[int] = (),
    epsilon: float = 1e-5,
) -> Tensor:
    """Normalise over some axes, or all. Source: arXiv:1607.06450.

    gamma and beta have the lengths of these axes, in the order of x.
    """
    rank = x.dim()
    over = sorted(axis % rank for axis in axes) or list(range(rank))
    last = list(range(rank - len(over), rank))
    if over == last:
        return nn.functional.layer_norm(x, x.shape[last[0] :], gamma, beta, epsilon)
    moved = x.movedim(over, last)
    return nn.functional.layer_norm(moved, moved.shape[last[0] :], gamma, beta, epsilon).movedim(last, over)


@operator("batch_norm", result=mixed)
def batch_norm(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    *,
    epsilon: float = 1e-5,
) -> Tensor:
    """x: (B, C, …), all others (C,): normalise by mean and variance that were learned. Source: arXiv:1502.03167."""
    return nn.functional.batch_norm(x, mean, variance, gamma, beta, training=False, eps=epsilon)


@operator("instance_norm", result=mixed)
def instance_norm(
    x: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None, *, epsilon: float = 1e-5
) -> Tensor:
    """x: (B, C, …), gamma and beta (C,): normalise each channel of each row by itself. Source: arXiv:1607.08022."""
    axes = list(range(2, x.dim()))
    centred = x - x.mean(axes, keepdim=True)
    normal = centred / torch.sqrt(centred.square().mean(axes, keepdim=True) + epsilon)
    along = (-1, *[1] * len(axes))
    scaled = normal if gamma is None else normal * gamma.reshape(along)
    return scaled if beta is None else scaled + beta.reshape(along)


@operator("l2_norm", result=mixed)
def l2_norm(x: Tensor, *, epsilon: float = 1e-6) -> Tensor:
    """Divide by the length of the last three axes taken as one vector."""
    return x / torch.sqrt(x.square().sum((-3, -2, -1), keepdim=True) + epsilon)
