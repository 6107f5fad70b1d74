"""Importance of whole layers: the loss of the model without one of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from potstill import processes
from potstill.data.tokens import TokenTable
from potstill.prune.importance.comparable import refuse_no_numbers
from potstill.prune.importance.rows import measured, own_batches
from potstill.prune.structure import layers
from potstill.training.objective import Objective
from potstill.training.options import TrainingOptions


def layer_importance(
    model: PreTrainedModel, table: TokenTable, objective: Objective, options: TrainingOptions, what: str = "layers"
) -> Tensor:
    """Measure how much the loss rises when one layer is left out, and its input goes to the next as it is.

    Each layer is left out of the model as it stands. Two layers that do the same are both spared easily, and not both
    at once: who drops several measures again after each.

    Args:
        model: a BERT or MobileBERT classifier, pruned or not, on the CPU.
        table: the rows.
        objective: the loss.
        options: give the batch size.
        what: what the progress line says.

    Returns: (layers,) float32, the rise of the mean loss over the table, in its unit; negative where the model is
        better without the layer. The same in all processes.

    Raises:
        InputError: a loss is NaN or infinite.

    Source: arXiv:2402.09025 (blocks dropped by the loss without them); arXiv:1905.10650, section 3 (heads).
    """
    places = [*layers(model)]
    losses = torch.zeros(1 + len(places), dtype=torch.float64)
    with measured(model, objective) as device, torch.inference_mode():
        for batch in own_batches(table, options.batch_size, device, what, parts=True):
            losses[0] += float(objective(model, batch))
            for number, layer in enumerate(places, 1):
                with skipped(layer):
                    losses[number] += float(objective(model, batch))
    losses = processes.total(losses)
    rises = (losses[1:] - losses[0]).float()
    refuse_no_numbers("of layers", [rises])
    return rises


@contextmanager
def skipped(layer: nn.Module) -> Iterator[None]:
    """Let a layer hand on what it is given while the block runs."""

    def forward(hidden: Tensor, *_: Any, **__: Any) -> tuple[Tensor]:
        return (hidden,)

    layer.forward = forward
    try:
        yield
    finally:
        del layer.forward  # the class's own comes to light again
