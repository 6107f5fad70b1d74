"""Convolutions and pools: what slides over the axes behind batch and channels."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from potstill.coreml.mlprogram.table import mixed, operator

CONVOLUTIONS = {1: nn.functional.conv1d, 2: nn.functional.conv2d, 3: nn.functional.conv3d}
Pairs = list[tuple[int, int]]  # entries added before and after, by spatial axis


@operator("conv", result=mixed)
def conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    strides: Sequence[int] = (),
    pad_type: str = "valid",
    pad: Sequence[int] = (),
    dilations: Sequence[int] = (),
    groups: int = 1,
) -> Tensor:
    """x: (B, in, …), weight: (out, in / groups, kernel …), bias: (out,) → (B, out, …)."""
    rank = x.dim() - 2
    steps, apart = list(strides) or [1] * rank, list(dilations) or [1] * rank
    kernel = [(length - 1) * each + 1 for length, each in zip(weight.shape[2:], apart, strict=True)]
    padded = _padded(x, _border(x.shape[2:], kernel, steps, pad_type, pad), 0.0)
    return CONVOLUTIONS[rank](padded, weight, bias, steps, 0, apart, groups)


@operator("max_pool")
def max_pool(
    x: Tensor,
    *,
    kernel_sizes: Sequence[int],
    strides: Sequence[int] = (),
    pad_type: str,
    pad: Sequence[int] = (),
    ceil_mode: bool = False,
) -> Tensor:
    """The greatest entry of each window."""
    return _windows(x, -torch.inf, kernel_sizes, strides, pad_type, pad, ceil_mode).amax(_last(x))


@operator("avg_pool")
def avg_pool(
    x: Tensor,
    *,
    kernel_sizes: Sequence[int],
    strides: Sequence[int] = (),
    pad_type: str,
    pad: Sequence[int] = (),
    ceil_mode: bool = False,
    exclude_padding_from_average: bool = False,
) -> Tensor:
    """The mean of each window, the border counted as zeros, or not at all."""
    window = (kernel_sizes, strides, pad_type, pad, ceil_mode)
    if not exclude_padding_from_average:
        return _windows(x, 0.0, *window).mean(_last(x))
    counted = _windows(torch.ones_like(x), 0.0, *window).sum(_last(x))
    return _windows(x, 0.0, *window).sum(_last(x)) / counted


@operator("l2_pool")
def l2_pool(
    x: Tensor,
    *,
    kernel_sizes: Sequence[int],
    strides: Sequence[int] = (),
    pad_type: str,
    pad: Sequence[int] = (),
    ceil_mode: bool = False,
) -> Tensor:
    """The Euclidean length of each window."""
    return _windows(x, 0.0, kernel_sizes, strides, pad_type, pad, ceil_mode).square().sum(_last(x)).sqrt()


def _windows(
    x: Tensor,
    outside: float,
    kernel: Sequence[int],
    strides: Sequence[int],
    pad_type: str,
    pad: Sequence[int],
    ceil_mode: bool,
) -> Tensor:
    """(B, C, windows …, kernel …): every window over the spatial axes, with `outside` for what lies beyond them."""
    steps = list(strides) or [1] * len(kernel)
    border = _border(x.shape[2:], kernel, steps, pad_type, pad)
    if ceil_mode:
        border = [_raised(*each) for each in zip(x.shape[2:], kernel, steps, border, strict=True)]
    taken = _padded(x, border, outside)
    for axis, (length, step) in enumerate(zip(kernel, steps, strict=True)):
        taken = taken.unfold(axis + 2, length, step)
    return taken


def _last(x: Tensor) -> list[int]:
    return list(range(2 - x.dim(), 0))


def _padded(x: Tensor, border: Pairs, value: float) -> Tensor:
    if not any(before or after for before, after in border):
        return x
    return nn.functional.pad(x, [amount for pair in reversed(border) for amount in pair], value=value)


def _border(
    lengths: Sequence[int], kernel: Sequence[int], strides: Sequence[int], pad_type: str, pad: Sequence[int]
) -> Pairs:
    """How much each axis is padded; `same` gives ⌈length / stride⌉ windows.

    An odd entry is added behind; `same_lower` adds it before.
    """
    if pad_type == "valid":
        return [(0, 0)] * len(kernel)
    if pad_type == "custom":
        return [(pad[2 * axis], pad[2 * axis + 1]) for axis in range(len(kernel))]
    if pad_type not in ("same", "same_lower"):
        raise ValueError(f"pad_type must be valid, custom, same or same_lower, got {pad_type}")
    totals = [
        max(0, step * -(-length // step) - length + size - step)
        for length, size, step in zip(lengths, kernel, strides, strict=True)
    ]
    less = [(total // 2, total - total // 2) for total in totals]
    return less if pad_type == "same" else [(after, before) for before, after in less]


def _raised(length: int, kernel: int, step: int, border: tuple[int, int]) -> tuple[int, int]:
    """Pad behind until the last window that begins inside is whole, as a pool with `ceil_mode` counts."""
    before, after = border
    whole = length + before + after
    windows = -(-(whole - kernel) // step) + 1
    if (windows - 1) * step >= length + before and (before or after):
        windows -= 1
    return before, after + max(0, (windows - 1) * step + kernel - whole)
