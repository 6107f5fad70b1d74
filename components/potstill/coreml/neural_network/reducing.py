"""Layers that reduce axes, look for the greatest, and sum up along one."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from potstill.coreml.neural_network.table import LAYERS, Compute, Make, layer

TINY = 1e-6  # what the format takes for an epsilon of 0
AXES = ((-3, -2, -1), (-2, -1), (-3,), (-2,), (-1,))  # by number: CHW, HW, C, H, W

Reduce = Callable[[Tensor, tuple[int, ...], bool], Tensor]


def product(x: Tensor, axes: tuple[int, ...], keep: bool) -> Tensor:
    """The product over several axes, which torch has over one only."""
    for axis in sorted((axis % x.dim() for axis in axes), reverse=True):
        x = x.prod(axis, keepdim=keep)
    return x


REDUCTIONS: dict[str, Reduce] = {
    "reduceSum": lambda x, axes, keep: x.sum(axes, keepdim=keep),
    "reduceMean": lambda x, axes, keep: x.mean(axes, keepdim=keep),
    "reduceProd": product,
    "reduceSumSquare": lambda x, axes, keep: (x * x).sum(axes, keepdim=keep),
    "reduceL1": lambda x, axes, keep: x.abs().sum(axes, keepdim=keep),
    "reduceL2": lambda x, axes, keep: (x * x).sum(axes, keepdim=keep).sqrt(),
    "reduceMax": lambda x, axes, keep: x.amax(axes, keepdim=keep),
    "reduceMin": lambda x, axes, keep: x.amin(axes, keepdim=keep),
    "reduceLogSum": lambda x, axes, keep: x.sum(axes, keepdim=keep).log(),
    "reduceLogSumExp": lambda x, axes, keep: torch.logsumexp(x, axes, keepdim=keep),
}
# Those of the older layer, by number; LOGSUM there is the sum of logarithms.
MODES = (
    "reduceSum",
    "reduceMean",
    "reduceProd",
    "LOGSUM",
    "reduceSumSquare",
    "reduceL1",
    "reduceL2",
    "reduceMax",
    "reduceMin",
    "ARGMAX",
)


@layer("reduce")
def reduce(given: Any) -> Compute:
    """Reduce some of the last three axes to one entry each."""
    mode, axes, epsilon = MODES[given.mode], AXES[given.axis], given.epsilon or TINY
    if mode == "ARGMAX":
        return lambda x: x.argmax(axes[0], keepdim=True).float()
    if mode == "LOGSUM":
        return lambda x: (x + epsilon).log().sum(axes, keepdim=True)
    return lambda x: REDUCTIONS[mode](x, axes, True)


@layer("argMax")
def arg_max(given: Any) -> Compute:
    """The place of the greatest along an axis."""
    return lambda x: x.argmax(given.axis, keepdim=not given.removeDim).float()


@layer("argMin")
def arg_min(given: Any) -> Compute:
    """The place of the least along an axis."""
    return lambda x: x.argmin(given.axis, keepdim=not given.removeDim).float()


@layer("topK")
def top_k(given: Any) -> Compute:
    """The K greatest or least along an axis, the first of them first, and their places."""

    def compute(x: Tensor) -> tuple[Tensor, Tensor]:
        values, places = x.topk(given.K, given.axis, largest=not given.useBottomK)
        return values, places.float()

    return compute


@layer("cumSum")
def cumulative_sum(given: Any) -> Compute:
    """Sums of all entries up to each one along an axis, from either end; or of those before it only."""

    def compute(x: Tensor) -> Tensor:
        turned = x.flip(given.axis) if given.reverse else x
        summed = turned.cumsum(given.axis)
        summed = summed - turned if given.excludeFinalSum else summed
        return summed.flip(given.axis) if given.reverse else summed

    return compute


def _over_any(reduction: Reduce) -> Make:
    """A reduction over the axes that the layer names, or over all."""

    def make(given: Any) -> Compute:
        named = () if given.reduceAll else tuple(given.axes)
        return lambda x: reduction(x, named or tuple(range(x.dim())), given.keepDims)

    return make


LAYERS.update({name: _over_any(reduction) for name, reduction in REDUCTIONS.items()})
