"""AdamW as BERT is trained with it: no decay of biases and norms, slower lower layers, warm-up, clipping."""

import re

import torch
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from potstill.training.options import TrainingOptions

LAYER = re.compile(r"(?:^|\.)layer\.(\d+)\.")


def make_optimizer(model: nn.Module, objective: nn.Module, options: TrainingOptions) -> AdamW:
    """Make the optimiser of all parameters that want a gradient, the objective's own included."""
    rates = learning_rates([name for name, _ in model.named_parameters()], options.layer_decay)
    rated = [(p, rates[name]) for name, p in model.named_parameters()] + [(p, 1.0) for p in objective.parameters()]
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for parameter, rate in rated:
        # Decaying biases and norms only pulls outputs to zero; vectors and scalars are left out by their rank.
        decay = options.weight_decay if parameter.ndim > 1 else 0.0
        if parameter.requires_grad:
            groups.setdefault((rate, decay), []).append(parameter)
    settings = [
        {"params": parameters, "lr": options.learning_rate * rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]
    return AdamW(settings, lr=options.learning_rate, fused=True)


def learning_rates(names: list[str], decay: float) -> dict[str, float]:
    """Return each parameter's share of the learning rate: 1 for head and top layer, `decay` times less a layer down.

    The embeddings stand below the lowest layer.

    Source: arXiv:2006.05987, section 4; arXiv:2003.10555, appendix B.
    """
    depths = {name: int(found[1]) for name in names if (found := LAYER.search(name))}
    top = max(depths.values(), default=0)
    below = {name: -1 for name in names if name not in depths and "embedding" in name}
    return {name: decay ** (top - (depths | below).get(name, top)) for name in names}


def make_schedule(optimizer: AdamW, total: int, warmup_share: float) -> LambdaLR:
    """Let the learning rate rise for a share of `total` steps, and fall linearly to 0 after."""
    warmup = max(1, round(total * warmup_share))

    def factor(step: int) -> float:
        return min((step + 1) / warmup, max(0.0, (total - step) / max(1, total - warmup)))

    return LambdaLR(optimizer, factor)


def clipped_step(optimizer: AdamW, norm: Tensor, limit: float) -> None:
    """Take a step with gradients scaled down to the L2 norm `limit`, as clip_grad_norm_ does, in one pass less.

    The fused AdamW divides gradients by `grad_scale` as it reads them (PyTorch's GradScaler uses it so).

    Args:
        optimizer: a fused AdamW.
        norm: the gradients' L2 norm.
        limit: the greatest norm wanted.
    """
    optimizer.grad_scale = torch.clamp((norm + 1e-6) / limit, min=1.0)  # type: ignore[attr-defined]
    optimizer.step()


def gradients(optimizer: AdamW) -> list[Tensor]:
    """The gradients there are, in the order of the parameters."""
    return [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]


def gradient_norm(optimizer: AdamW) -> Tensor:
    """L2 norm of all gradients together, a scalar."""
    return nn.utils.get_total_norm(gradients(optimizer))
