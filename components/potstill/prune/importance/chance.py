"""Importance by lot: the control that every other measure has to beat."""

import torch
from transformers import PreTrainedModel

from potstill.prune.importance.comparable import Importance
from potstill.prune.structure import attentions, feed_forwards


def random_importance(model: PreTrainedModel, seed: int) -> Importance:
    """Draw each head's and neuron's importance at random, all with the same chance whatever layer they are in.

    Args:
        model: the model.
        seed: of the draw, which reads and moves no other random numbers.

    Returns: per attention (heads,), per feed-forward network (neurons,) float32 in [0, 1). They are not divided by
        their norm: that would spare the smaller groups.
    """
    dice = torch.Generator().manual_seed(seed)
    heads = [torch.rand(each.heads, generator=dice) for each in attentions(model)]
    neurons = [torch.rand(each.first.out_features, generator=dice) for each in feed_forwards(model)]
    return heads, neurons
