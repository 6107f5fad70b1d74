"""Importance by what the loss would do: first-order Taylor on the labelled or distilled loss."""

from collections.abc import Iterable

import torch
from torch import Tensor
from transformers import PreTrainedModel

from potstill import processes
from potstill.prune.importance.comparable import Importance, unit
from potstill.prune.structure import attentions, feed_forwards
from potstill.training.objective import Inputs, Objective


def taylor_importance(model: PreTrainedModel, batches: Iterable[Inputs], objective: Objective) -> Importance:
    """Estimate what the loss would change if a head, or a neuron, were silent.

    The estimate is |∂L/∂ξ| of a gate ξ = 1 on what the unit says, which is |Σ w·∂L/∂w| over the weights that carry it
    on: the unit's columns of the output projection. The weights that make it are not added: scaling a head's value
    rows scales what it says, and so is the same gate once more, and no gate on query and key is the head's silence.
    Absolute values are taken batch by batch and added up; the paper on heads takes them row by row.

    Args:
        model: a BERT or MobileBERT classifier, in evaluation mode.
        batches: what the loss is measured on, this process's share of it.
        objective: the loss.

    Returns: per attention (heads,), per feed-forward network (neurons,) float32, each of L2 norm 1, over the batches
        of all processes.

    Source: arXiv:1905.10650 (heads, normalisation); arXiv:1906.10771 (the sum within a group of weights).
    """
    heads, neurons = attentions(model), feed_forwards(model)
    carriers = [each.output.weight for each in heads] + [each.second.weight for each in neurons]
    sizes = [each.heads for each in heads] + [each.first.out_features for each in neurons]
    sums = [torch.zeros(size, device=carriers[0].device) for size in sizes]
    for batch in batches:
        gradients = torch.autograd.grad(objective(model, batch), carriers)
        for total, weight, gradient in zip(sums, carriers, gradients, strict=True):
            total.add_(gate_gradient(weight, gradient, len(total)).abs())
    found = torch.split(processes.total(torch.cat(sums)).cpu(), sizes)
    return [unit(each) for each in found[: len(heads)]], [unit(each) for each in found[len(heads) :]]


def gate_gradient(weight: Tensor, gradient: Tensor, units: int) -> Tensor:
    """Return ∂L/∂ξ of a gate on each unit's input channels: (units,) float32, signed.

    Args:
        weight: (out, units · width) of a linear that reads the units' channels one after the other.
        gradient: likewise, the loss's.
        units: how many.
    """
    channels = (weight.detach() * gradient.contiguous()).sum(0)
    return channels.reshape(units, -1).sum(1).float()
