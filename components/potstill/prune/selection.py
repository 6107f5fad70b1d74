"""Which heads and neurons stay: the globally least important go first, and no layer is emptied."""

import torch
from torch import Tensor


def select(importance: list[Tensor], keep: int, multiple: int = 1) -> list[Tensor]:
    """Choose what stays.

    Args:
        importance: per layer, (units,) float32, comparable across layers.
        keep: how many units stay in all layers together; each layer keeps at least one (or one `multiple`).
        multiple: the number kept in each layer is rounded to a multiple of this, which matrix kernels like.

    Returns: per layer, the sorted indices of the units that stay.
    """
    flat = torch.cat(importance)
    ranks = torch.argsort(torch.argsort(flat, descending=True, stable=True))
    sizes, start, kept = [len(each) for each in importance], 0, []
    for layer, size in enumerate(sizes):
        wanted = int((ranks[start : start + size] < keep).sum())
        number = min(size, max(multiple, round(wanted / multiple) * multiple, 1))
        best = torch.argsort(importance[layer], descending=True, stable=True)[:number]
        kept.append(torch.sort(best).values)
        start += size
    return kept


def cubic(round_: int, rounds: int, target: float) -> float:
    """Share removed after round `round_` (1 … rounds): fast at first, slow at the end.

    Source: arXiv:1710.01878, with the initial sparsity 0.
    """
    return target * (1 - (1 - round_ / rounds) ** 3)
