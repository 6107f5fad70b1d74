"""How much each attention head and each FFN neuron matters: first-order Taylor on the labelled or distilled loss."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from potstill.training.objective import Inputs, Objective


def taylor_importance(
    model: PreTrainedModel, batches: Iterable[Inputs], objective: Objective
) -> tuple[list[Tensor], list[Tensor]]:
    """Estimate what the loss would change if a head, or a neuron, were silent.

    For each row of an output projection's input channels c the estimate is |Σ w·∂L/∂w| over the weights that carry
    the channel on, summed over batches; a head is the sum of its channels. Each layer is divided by its L2 norm, so
    that layers can be compared.

    Args:
        model: a BERT-shaped classifier, in evaluation mode.
        batches: what the loss is measured on.
        objective: the loss.

    Returns: per layer, (heads,) and (neurons,) float32, each of L2 norm 1.

    Source: arXiv:1905.10650 (heads); arXiv:1906.10771 (first-order Taylor, group importance, normalisation).
    """
    layers: list[Any] = list(model.bert.encoder.layer)
    heads = [torch.zeros(layer.attention.self.num_attention_heads) for layer in layers]
    neurons = [torch.zeros(layer.intermediate.dense.out_features) for layer in layers]
    for batch in batches:
        model.zero_grad(set_to_none=True)
        objective(model, batch).backward()
        for index, layer in enumerate(layers):
            channels = channel_importance(layer.attention.output.dense)
            heads[index] += channels.reshape(len(heads[index]), -1).sum(1).abs()
            neurons[index] += channel_importance(layer.output.dense).abs()
    model.zero_grad(set_to_none=True)
    return [_unit(each) for each in heads], [_unit(each) for each in neurons]


def channel_importance(linear: nn.Linear) -> Tensor:
    """Σ w·∂L/∂w over the weights that read each input channel: (in,) float32, signed."""
    if linear.weight.grad is None:
        raise ValueError("the loss does not reach this layer; its weights have no gradient")
    effect = (linear.weight.detach() * linear.weight.grad).sum(0)
    return effect.float()


def _unit(importance: Tensor) -> Tensor:
    unit: Tensor = importance / importance.norm().clamp_min(1e-12)
    return unit
