"""Scoring a model on a labelled split while it trains."""

from collections.abc import Callable

from torch import nn

from potstill.data.tokens import TokenTable
from potstill.measure.torch_session import predict_torch


def accuracy(model: nn.Module, table: TokenTable) -> float:
    """Share of rows whose predicted label is right, in [0, 1]."""
    return float((predict_torch(model, table).argmax(1) == table.labels).mean())


def accuracy_on(table: TokenTable) -> Callable[[nn.Module], float]:
    """Return the function that scores a model on `table`."""
    return lambda model: accuracy(model, table)
