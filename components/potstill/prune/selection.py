"""Which heads and neurons stay: the globally least important go first, and no layer is emptied."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def select(importance: list[Tensor], keep: int, multiple: int = 1, *, uniform: bool = False) -> list[Tensor]:
    """Choose what stays: the most important units, in whole blocks.

    The units of a group (a layer's heads, a feed-forward network's neurons), best first, are taken in blocks of
    `multiple`; the last block is smaller where the group is no multiple of it. The best block of every group stays,
    whatever comes; then blocks stay in the order of their mean importance, until the next would be more than `keep`.

    So at most `keep` units stay, and less than `multiple` fewer, except where the groups' best blocks alone are more.
    Of equal units the one of the lower group, and the lower one within it, stays.

    Args:
        importance: per group, (units,) float32, comparable across groups.
        keep: how many units stay in all groups together, at most; all of them and nothing is cut.
        multiple: each group keeps a multiple of this, or all that it has; matrix kernels like it.
        uniform: every group keeps the same number, as many as `keep` allows; the smallest group sets the limit.

    Returns: per group, the sorted indices of the units that stay, at least one.
    """
    if not importance:
        return []
    sizes = [len(each) for each in importance]
    numbers = _alike(sizes, keep, multiple) if uniform else _globally(importance, keep, multiple)
    return [_best(each, number) for each, number in zip(importance, numbers, strict=True)]


def _alike(sizes: list[int], keep: int, multiple: int) -> list[int]:
    least, share = min(sizes), keep // len(sizes)
    number = least if share >= least else max(share // multiple, 1) * multiple
    return [min(number, least)] * len(sizes)


def _globally(importance: list[Tensor], keep: int, multiple: int) -> list[int]:
    """Return how many units of each group stay."""
    sizes, means = zip(*(_blocks(each, multiple) for each in importance), strict=True)
    first = np.array([each[0] for each in sizes])
    groups = np.repeat(np.arange(len(sizes)), [len(each) - 1 for each in sizes])
    others, value = np.concatenate([each[1:] for each in sizes]), np.concatenate([each[1:] for each in means])
    order = np.argsort(-value, kind="stable")
    stay = order[first.sum() + np.cumsum(others[order]) <= keep]
    return [int(each) for each in first + np.bincount(groups[stay], others[stay], len(sizes))]


def _blocks(importance: Tensor, multiple: int) -> tuple[Integers, Floats]:
    """Cut a group into blocks, best first; → (blocks,) units in each, and (blocks,) their mean, which never rises."""
    best_first = torch.sort(importance, descending=True).values.double().numpy()
    starts = np.arange(0, len(best_first), multiple)
    sizes = np.diff([*starts, len(best_first)])
    return sizes, np.minimum.accumulate(np.add.reduceat(best_first, starts) / sizes)


def _best(importance: Tensor, number: int) -> Tensor:
    return torch.sort(torch.argsort(importance, descending=True, stable=True)[:number]).values


def cubic(round_: int, rounds: int, target: float) -> float:
    """Share removed after round `round_` (1 … rounds): fast at first, slow at the end.

    Source: arXiv:1710.01878, with the initial sparsity 0.
    """
    return target * (1 - (1 - round_ / rounds) ** 3)
