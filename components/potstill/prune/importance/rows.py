"""The rows that importance is measured on: batches of like length, divided among the processes."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from potstill import processes
from potstill.data.batches import by_length, pad
from potstill.data.tokens import TokenTable
from potstill.progress import progress
from potstill.training.device import pick_device
from potstill.training.objective import Inputs, Objective, to_inputs
from potstill.training.parts import Rowset


@contextmanager
def measured(model: nn.Module, objective: Objective) -> Iterator[torch.device]:
    """Put model and loss where they compute fast, in evaluation mode; after the block they are on the CPU again."""
    device = pick_device()
    model.to(device).eval()
    objective.to(device).eval()
    try:
        yield device
    finally:
        model.to("cpu")
        objective.to("cpu")


def own_batches(
    table: TokenTable, size: int, device: torch.device, what: str, *, parts: bool = False
) -> Iterator[Inputs]:
    """Yield every so many of the table's batches: this process's share of them, which may be none.

    Args:
        table: the rows.
        size: rows per batch.
        device: where the batches go.
        what: what the progress line says.
        parts: each batch counts as a part of the whole table, so that losses add up to the table's mean loss;
            otherwise each has a mean of its own.
    """
    whole = Rowset(table.labels, table.lengths) if parts else None
    own = list(by_length(table, size))[processes.rank() :: processes.count()]
    for rows in progress(own, what, unit="batch"):
        yield to_inputs(pad(table, rows), device, whole=whole)
