"""Importance of the hidden width's channels: a mask over the residual stream, the same in every layer."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from potstill import processes
from potstill.data.tokens import TokenTable
from potstill.errors import InputError
from potstill.prune.importance.comparable import refuse_no_numbers, unit
from potstill.prune.importance.rows import measured, own_batches
from potstill.training.objective import Objective
from potstill.training.options import TrainingOptions


def hidden_importance(
    model: PreTrainedModel, table: TokenTable, objective: Objective, options: TrainingOptions, what: str = "hidden"
) -> Tensor:
    """Estimate what the loss would change if a channel were gone from the embeddings to the pooler.

    The estimate is |∂L/∂m| of the mask m = 1 that `masked` puts on every channel, added up over batches.

    Args:
        model: a BERT classifier, pruned or not, on the CPU.
        table: the rows.
        objective: the loss.
        options: give the batch size.
        what: what the progress line says.

    Returns: (hidden,) float32 of L2 norm 1, the same in all processes.

    Raises:
        InputError: the model's residual stream has no LayerNorm (MobileBERT's has not), or a loss is not finite.

    Source: arXiv:2204.00408 (one mask for all layers, there learnt); arXiv:1906.10771 (first-order Taylor).
    """
    total = torch.zeros(model.config.hidden_size)
    with measured(model, objective) as device, masked(model) as mask:
        for batch in own_batches(table, options.batch_size, device, what):
            total += torch.autograd.grad(objective(model, batch), mask)[0].abs().float().cpu()
    found = unit(processes.total(total))
    refuse_no_numbers("of hidden channels", [found])
    return found


@contextmanager
def masked(model: PreTrainedModel) -> Iterator[Tensor]:
    """Put a mask of ones on the residual stream while the block runs.

    A channel of mask 0 reaches nothing, neither the next layer nor the mean and variance of a LayerNorm: the logits
    are those of the model that the channel was cut out of. The pooler's own channels, which are no part of the stream,
    are masked too, for they are as many and go with it.

    Args:
        model: a BERT classifier.

    Yields: (hidden,) that wants a gradient.
    """
    norms: list[Any] = [each for each in model.modules() if isinstance(each, nn.LayerNorm)]
    if not norms:
        raise InputError(
            f"hidden channels are weighed through LayerNorms, and {model.config.model_type} has none; "
            "leave its hidden width as it is"
        )
    mask = torch.ones_like(norms[0].weight, requires_grad=True)
    pooler = model.base_model.pooler.register_forward_hook(lambda _module, _args, pooled: pooled * mask)
    for norm in norms:
        norm.forward = partial(_masked_norm, norm, mask)
    try:
        yield mask
    finally:
        pooler.remove()
        for norm in norms:
            del norm.forward  # the class's own comes to light again


def _masked_norm(norm: nn.LayerNorm, mask: Tensor, hidden: Tensor) -> Tensor:
    """LayerNorm over the channels as far as the mask has them: (…, hidden) to (…, hidden)."""
    weights = mask / mask.sum()
    centred = hidden - (hidden * weights).sum(-1, keepdim=True)
    variance = (centred.square() * weights).sum(-1, keepdim=True)
    return mask * (norm.weight * centred * torch.rsqrt(variance + norm.eps) + norm.bias)
