"""Layers that normalise, scale and shift; channels are the third axis from the end."""

from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from potstill.coreml.neural_network.stored import read_weight
from potstill.coreml.neural_network.table import Compute, layer

TINY = 1e-6  # what the format takes for an epsilon of 0
TINY_VARIANCE = 1e-5  # the same, in batchnorm
IMAGE = (-3, -2, -1)


@layer("batchnorm")
def batchnorm(given: Any) -> Compute:
    """Normalise each channel by stored figures, or by those of the input where the layer says so."""
    wide = (given.channels, 1, 1)
    gamma = read_weight(given.gamma, wide) if given.HasField("gamma") else torch.ones(wide)
    beta = read_weight(given.beta, wide) if given.HasField("beta") else torch.zeros(wide)
    epsilon = given.epsilon or TINY_VARIANCE
    if given.computeMeanVar:
        return lambda x: gamma * _normalised(x, _of_input(x, given.instanceNormalization), epsilon) + beta
    mean, variance = read_weight(given.mean, wide), read_weight(given.variance, wide)
    return lambda x: gamma * (x - mean) / torch.sqrt(variance + epsilon) + beta


@layer("mvn")
def mean_variance(given: Any) -> Compute:
    """Subtract the mean of an image, or of each of its channels, and divide by the deviation."""
    axes, epsilon = IMAGE if given.acrossChannels else IMAGE[1:], given.epsilon or TINY
    if given.normalizeVariance:
        return lambda x: _normalised(x, axes, epsilon)
    return lambda x: x - x.mean(axes, keepdim=True)


@layer("l2normalize")
def l2_normalize(given: Any) -> Compute:
    """Divide by the length of the last three axes taken as one vector."""
    epsilon = given.epsilon or TINY
    return lambda x: x / torch.sqrt((x * x).sum(IMAGE, keepdim=True) + epsilon)


@layer("layerNormalization")
def layer_norm(given: Any) -> Compute:
    """Normalise over the last axes, scale and shift."""
    shape = tuple(given.normalizedShape)
    gamma, beta = read_weight(given.gamma, shape), read_weight(given.beta, shape)
    return lambda x: functional.layer_norm(x, shape, gamma, beta, given.eps)


@layer("scale")
def scale(given: Any) -> Compute:
    """Multiply by a stored tensor and add one, both spread over the last three axes."""
    factor = read_weight(given.scale, _spread(given.shapeScale))
    if not given.hasBias:
        return lambda x: x * factor
    offset = read_weight(given.bias, _spread(given.shapeBias))
    return lambda x: x * factor + offset


@layer("bias")
def bias(given: Any) -> Compute:
    """Add a stored tensor, spread over the last three axes."""
    offset = read_weight(given.bias, _spread(given.shape))
    return lambda x: x + offset


def _spread(shape: Any) -> tuple[int, ...]:
    """[C] is (C, 1, 1); [1, H, W] and [C, H, W] stay, and a single number is spread over any rank."""
    return (prod(shape), 1, 1) if len(shape) == 1 and shape[0] != 1 else tuple(shape)


def _of_input(x: Tensor, each_alone: bool) -> tuple[int, ...]:
    batch = () if each_alone else tuple(range(x.dim() - 3))
    return (*batch, -2, -1)


def _normalised(x: Tensor, axes: tuple[int, ...], epsilon: float) -> Tensor:
    variance, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
    return (x - mean) / torch.sqrt(variance + epsilon)
