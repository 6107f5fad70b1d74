"""Linears and norms over (batch, channels, 1, tokens)."""

from typing import Any

import torch
from torch import Tensor, nn

from potstill.encoder.quantized_linears import SmoothedLinear

LEAST = 1e-30  # instead of a norm's weight of 0, by which the bias is divided: it adds nothing that float32 can hold


def lift(hidden: Tensor) -> Tensor:
    """(batch, tokens, channels) → (batch, channels, 1, tokens)."""
    return hidden.transpose(1, 2).unsqueeze(2)


class PointwiseConv(nn.Conv2d):
    """A linear as a convolution with a 1 × 1 kernel: the same numbers, and what the Neural Engine is built for."""

    inverse: Tensor | None

    def __init__(self, linear: nn.Linear) -> None:
        """Take the linear's weight and bias without copying."""
        super().__init__(linear.in_features, linear.out_features, 1, bias=linear.bias is not None, device="meta")
        self.weight = nn.Parameter(linear.weight.detach()[:, :, None, None], requires_grad=False)
        self.bias = linear.bias
        inverse = linear.inverse[:, None, None] if isinstance(linear, SmoothedLinear) else None
        self.register_buffer("inverse", inverse, persistent=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden: (batch, in, 1, tokens) float32 → (batch, out, 1, tokens) float32."""
        return super().forward(hidden if self.inverse is None else hidden * self.inverse)


class LogitsConv(PointwiseConv):
    """The last linear: what comes out is a row of logits again."""

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden: (batch, in, 1, 1) float32 → (batch, labels) float32."""
        return super().forward(hidden).flatten(1)


class ChannelNorm(nn.Module):
    """A layer norm over the channels of (batch, channels, 1, tokens).

    The bias is added before the weight multiplies: coremltools knows the steps in this order, and makes one
    `layer_norm` over axis 1 of them. In any other order they stay seven operators, and squares overflow float16.
    """

    weight: Tensor
    shift: Tensor

    def __init__(self, norm: nn.LayerNorm) -> None:
        super().__init__()
        weight = norm.weight.detach()
        weight = torch.where(weight.abs() < LEAST, torch.full_like(weight, LEAST), weight)
        self.register_buffer("weight", weight[:, None, None])
        self.register_buffer("shift", (norm.bias.detach() / weight)[:, None, None])
        self.epsilon = norm.eps

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden: (batch, channels, 1, tokens) float32 → the same shape."""
        centred = hidden - hidden.mean(1, keepdim=True)
        variance = (centred * centred).mean(1, keepdim=True)
        return (centred * torch.rsqrt(variance + self.epsilon) + self.shift) * self.weight


class ChannelScale(nn.Module):
    """MobileBERT's NoNorm over (batch, channels, 1, tokens): a factor and a bias a channel."""

    weight: Tensor
    bias: Tensor

    def __init__(self, norm: Any) -> None:
        super().__init__()
        self.register_buffer("weight", norm.weight.detach()[:, None, None])
        self.register_buffer("bias", norm.bias.detach()[:, None, None])

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden: (batch, channels, 1, tokens) float32 → the same shape."""
        return hidden * self.weight + self.bias
