"""What stands between two linears, entry by entry."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from potstill.coreml.mlprogram.operators.arithmetic import of_one
from potstill.coreml.mlprogram.table import mixed, operator

ONE: dict[str, Callable[[Tensor], Tensor]] = {
    "relu6": nn.functional.relu6,
    "sigmoid": torch.sigmoid,
    "silu": nn.functional.silu,
    "softplus": lambda x: torch.log1p(torch.exp(-x.abs())) + torch.relu(x),
    "softsign": nn.functional.softsign,
}

for _name, _function in ONE.items():
    operator(_name)(of_one(_function))


@operator("relu", exact=True)
def relu(x: Tensor) -> Tensor:
    """max(x, 0)."""
    return torch.relu(x)


@operator("gelu")
def gelu(x: Tensor, *, mode: str = "EXACT") -> Tensor:
    """Source: arXiv:1606.08415."""
    if mode == "EXACT":
        return nn.functional.gelu(x)
    if mode == "TANH_APPROXIMATION":
        return nn.functional.gelu(x, approximate="tanh")
    if mode == "SIGMOID_APPROXIMATION":
        return x * torch.sigmoid(1.702 * x)
    raise ValueError(f"mode must be EXACT, TANH_APPROXIMATION or SIGMOID_APPROXIMATION, got {mode}")


@operator("softmax")
def softmax(x: Tensor, *, axis: int = -1) -> Tensor:
    """Exponentials that sum to 1 along an axis."""
    return torch.softmax(x, axis)


@operator("leaky_relu", result=mixed)
def leaky_relu(x: Tensor, *, alpha: float) -> Tensor:
    """x, times alpha below 0."""
    return torch.where(x < 0, x * alpha, x)


@operator("clamped_relu", result=mixed)
def clamped_relu(x: Tensor, *, alpha: float, beta: float) -> Tensor:
    """x, times alpha below 0, at most beta."""
    return torch.clamp(x, min=0).clamp(max=beta) + (torch.clamp(x, max=0) * alpha).clamp(max=beta)


@operator("thresholded_relu", result=mixed)
def thresholded_relu(x: Tensor, *, alpha: float) -> Tensor:
    """x, or 0 below alpha."""
    return torch.where(x < alpha, 0, x)


@operator("elu", result=mixed)
def elu(x: Tensor, *, alpha: float) -> Tensor:
    """x, below 0 alpha · (eˣ − 1)."""
    return torch.where(x < 0, alpha * torch.expm1(x), x)


@operator("linear_activation", result=mixed)
def linear_activation(x: Tensor, *, alpha: float, beta: float) -> Tensor:
    """Computes alpha · x + beta."""
    return alpha * x + beta


@operator("sigmoid_hard", result=mixed)
def sigmoid_hard(x: Tensor, *, alpha: float, beta: float) -> Tensor:
    """Computes alpha · x + beta, cut to [0, 1]."""
    return torch.clamp(alpha * x + beta, 0, 1)


@operator("scaled_tanh", result=mixed)
def scaled_tanh(x: Tensor, *, alpha: float, beta: float) -> Tensor:
    """Computes alpha · tanh(beta · x)."""
    return alpha * torch.tanh(beta * x)


@operator("prelu", result=mixed)
def prelu(x: Tensor, alpha: Tensor) -> Tensor:
    """x: (B, C, …), alpha: (C,); x, times alpha of its channel below 0."""
    return torch.clamp(x, min=0) + torch.clamp(x, max=0) * _by_channel(alpha, x)


@operator("softplus_parametric", result=mixed)
def softplus_parametric(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """x: (B, C, …), alpha and beta: (C,); alpha · log(1 + e^(beta · x)) by channel."""
    return _by_channel(alpha, x) * torch.log1p(torch.exp(x * _by_channel(beta, x)))


def _by_channel(vector: Tensor, x: Tensor) -> Tensor:
    return vector.reshape(-1, *[1] * (x.dim() - 2))
