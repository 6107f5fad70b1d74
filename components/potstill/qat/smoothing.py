"""SmoothQuant: outlying channels of an input are made smaller, and their columns of the weight as much larger."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor
from transformers import PreTrainedModel

from potstill.qat.ranges import InputStatistics

LIMITS = (2.0**-14, 2.0**14)  # within them a factor and its inverse are both normal numbers in float16


def smoothing_factors(model: PreTrainedModel, seen: Mapping[str, InputStatistics], alpha: float) -> dict[str, Tensor]:
    """Find what each channel of an input is divided by, and its column of the weight multiplied with.

        s_j = max|X_j|^alpha / max|W_j|^(1 - alpha)          (x / s) (W·s)ᵀ = x Wᵀ

    Linears that read the same tensor, such as query, key and value, share the factors, so that one division serves
    them all; max|W_j| is then over all their weights. They are known by their channels' equal magnitudes.

    Args:
        model: the float classifier that was looked at.
        seen: what `collect` saw without smoothing.
        alpha: in [0, 1]: 0 makes all columns of the weight equally large, 1 all channels of the input.

    Returns: by linear, (in,) float32, finite and above 0, within LIMITS. 1 where a channel was always 0: nothing is
        known of it.

    Source: arXiv:2211.10438, equation 4.
    """
    factors: dict[str, Tensor] = {}
    for names in _readers(seen):
        columns = [model.get_submodule(name).weight.detach().float().abs().amax(0).cpu() for name in names]
        shared = _factors(seen[names[0]].channels, torch.stack(columns).amax(0), alpha)
        factors |= dict.fromkeys(names, shared)
    return factors


def _readers(seen: Mapping[str, InputStatistics]) -> Iterator[list[str]]:
    """Yield the names of those linears that read the same tensor."""
    alike = defaultdict(list)
    for name, each in seen.items():
        alike[each.channels.numpy().tobytes()].append(name)
    yield from alike.values()


def _factors(channels: Tensor, columns: Tensor, alpha: float) -> Tensor:
    """Equation 4, channel by channel: (in,), (in,) → (in,)."""
    factors = channels**alpha / columns ** (1 - alpha)  # of a column of zeros: infinite, and clamped
    return torch.where(channels == 0, 1.0, factors.clamp(*LIMITS))
