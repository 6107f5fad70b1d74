"""Scoring a model on the validation split while it trains: higher is better."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from potstill.data.tokens import TokenTable
from potstill.measure.torch_session import predict_torch
from potstill.training.losses import soft_labels

Score = Callable[[nn.Module], float]


def accuracy(model: nn.Module, table: TokenTable) -> float:
    """Share of rows whose predicted label is right, in [0, 1]."""
    return float((predict_torch(model, table).argmax(1) == table.labels).mean())


def accuracy_on(table: TokenTable) -> Score:
    """Score by accuracy on `table`."""
    return lambda model: accuracy(model, table)


def nearness_on(table: TokenTable, answers: Tensor, temperature: float) -> Score:
    """Score by how near the model's answers on `table` are to the teacher's: minus the soft-label loss.

    On a few hundred rows accuracy moves by a point from chance alone, and would choose an epoch by it; this does not.

    Args:
        table: the rows.
        answers: (rows, labels) the teacher's logits.
        temperature: of the soft-label loss.
    """
    return lambda model: -float(soft_labels(torch.from_numpy(predict_torch(model, table)), answers, temperature))
