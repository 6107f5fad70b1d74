"""Importance by the size of the weights: needs no data, and knows nothing of what the weights are for."""

from collections.abc import Callable

import torch
from torch import Tensor
from transformers import PreTrainedModel

from potstill.prune.importance.comparable import Importance, unit
from potstill.prune.importance.units import Units, units


def l1_importance(model: PreTrainedModel) -> Importance:
    """Weigh each head and neuron by Σ|w| over all that a cut takes away with it.

    That is the paper's sum over a filter, drawn over every matrix that loses a row or a column with the unit, as
    arXiv:2301.12900 groups them; biases of the rows, which the paper leaves out, are counted, for they go too.

    Returns: per attention (heads,), per feed-forward network (neurons,) float32, each of L2 norm 1. The paper compares
        within a layer alone; the division by the norm is what lets layers be compared.

    Source: arXiv:1608.08710, section 3.1.
    """
    return _weighed(model, _l1)


def l2_importance(model: PreTrainedModel) -> Importance:
    """Weigh each head and neuron by √Σw²: how far its cut moves the model in the space of weights.

    Returns: as of `l1_importance`, over the same weights.

    Source: arXiv:1608.08710, whose appendix finds it to choose nearly as L1 does.
    """
    return _weighed(model, _l2)


def _weighed(model: PreTrainedModel, norm: Callable[[Units], Tensor]) -> Importance:
    heads, neurons = units(model)
    with torch.no_grad():
        return [unit(norm(each)) for each in heads], [unit(norm(each)) for each in neurons]


def _l1(group: Units) -> Tensor:
    return group.add_up(torch.abs)


def _l2(group: Units) -> Tensor:
    return group.add_up(torch.square).sqrt()
