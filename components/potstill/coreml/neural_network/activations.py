"""Activations of every type that the format has."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from potstill.coreml.neural_network.stored import read_vector
from potstill.coreml.neural_network.table import Compute, Make, layer, plain

GELU = {0: "none", 1: "tanh"}  # EXACT and TANH_APPROXIMATION, as torch calls them

KINDS: dict[str, Make] = {
    "linear": lambda given: lambda x: given.alpha * x + given.beta,
    "ReLU": lambda _: torch.relu,
    "leakyReLU": lambda given: lambda x: functional.leaky_relu(x, given.alpha),
    "thresholdedReLU": lambda given: lambda x: torch.where(x >= given.alpha, x, torch.zeros_like(x)),
    "PReLU": lambda given: _prelu(_by_channel(given.alpha)),
    "tanh": lambda _: torch.tanh,
    "scaledTanh": lambda given: lambda x: given.alpha * torch.tanh(given.beta * x),
    "sigmoid": lambda _: torch.sigmoid,
    "sigmoidHard": lambda given: lambda x: (given.alpha * x + given.beta).clamp(0, 1),
    "ELU": lambda given: lambda x: torch.where(x >= 0, x, given.alpha * torch.expm1(x)),
    "softsign": lambda _: functional.softsign,
    "softplus": lambda _: functional.softplus,
    "parametricSoftplus": lambda given: _softplus(_by_channel(given.alpha), _by_channel(given.beta)),
}


@layer("activation")
def activation(given: Any) -> Compute:
    """Apply the one activation that the parameters name.

    Raises:
        ValueError: they name none.
    """
    kind = given.WhichOneof("NonlinearityType")
    if kind is None:
        raise ValueError(f"an activation names no function; functions are: {', '.join(KINDS)}")
    return KINDS[kind](getattr(given, kind))


@layer("gelu")
def gelu(given: Any) -> Compute:
    """GELU, x · Φ(x): exactly, or by tanh, or by a sigmoid."""
    if given.mode in GELU:
        return lambda x: functional.gelu(x, approximate=GELU[given.mode])
    return lambda x: x * torch.sigmoid(1.702 * x)


@layer("clampedReLU")
def clamped_relu(given: Any) -> Compute:
    """A leaky ReLU of slope `alpha`, never above `beta`."""
    return lambda x: torch.where(x >= 0, x, given.alpha * x).clamp_max(given.beta)


@layer("clip")
def clip(given: Any) -> Compute:
    """Values below and above the bounds become the bounds."""
    return lambda x: x.clamp(given.minVal, given.maxVal)


@layer("softmaxND")
def softmax_nd(given: Any) -> Compute:
    """Softmax along any axis."""
    return lambda x: torch.softmax(x, given.axis)


plain({"softmax": lambda x: torch.softmax(x, -3)})  # of channels


def _by_channel(stored: Any) -> Tensor:
    """One value a channel, the third axis from the end; or one for all."""
    return read_vector(stored)[:, None, None]


def _prelu(slope: Tensor) -> Compute:
    return lambda x: torch.where(x >= 0, x, slope * x)


def _softplus(height: Tensor, steepness: Tensor) -> Compute:
    return lambda x: height * functional.softplus(steepness * x)
