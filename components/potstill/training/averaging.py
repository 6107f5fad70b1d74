"""An exponential moving average of the weights: often a better model than the last step's."""

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Weights = list[Tensor] | tuple[Tensor, ...]


def averaged(model: nn.Module, decay: float) -> AveragedModel:
    """Make a copy of the model whose weights follow the model's; `update_parameters` after each step moves it.

    After n steps it keeps min(decay, (1 + n) / (10 + n)) of itself, so that a short training is not held back by the
    weights it began with. Buffers are copied as they are.

    Args:
        model: what is trained.
        decay: share of the average that stays in a step, in (0, 1).
    """

    def move(average: Weights, weights: Weights, steps: Tensor | int) -> None:
        kept = min(decay, (1 + int(steps)) / (10 + int(steps)))
        torch._foreach_lerp_(average, weights, 1 - kept)  # as torch's own get_ema_multi_avg_fn does

    return AveragedModel(model, multi_avg_fn=move)
