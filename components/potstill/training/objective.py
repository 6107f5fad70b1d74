"""What is minimised, and what it is fed: batches as tensors, each a part of an optimiser step."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from potstill.data.batches import Batch
from potstill.training.parts import Rowset, Unit, share_of


@dataclass(frozen=True)
class Inputs:
    """A batch as tensors on the training device; shapes as in potstill.data.batches.Batch.

    Attributes:
        progress: share of all steps that were done before this one, in [0, 1).
        part: what there is to count in these rows; with `whole` alone.
        whole: the same of all rows of the optimiser step; None: these are all.
    """

    rows: Tensor
    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor
    progress: float = 0.0
    part: Rowset | None = None
    whole: Rowset | None = None

    def share(self, unit: Unit) -> float:
        """Return the share of the step's rows, tokens, … that is here, in [0, 1]; means times it add up."""
        return 1.0 if self.part is None or self.whole is None else share_of(self.part, self.whole, unit)


class Objective(nn.Module, ABC):
    """What is minimised. Its own parameters (projections) are trained with the model's."""

    @abstractmethod
    def forward(self, model: nn.Module, batch: Inputs) -> Tensor:
        """Return the batch's part of the step's loss, a scalar."""

    def observe(self, model: nn.Module) -> None:
        """Look at a step before it is taken: the weights, and the gradients of all its rows in all processes.

        Whatever is kept of it must be in a buffer, of this module or the model: a training may be taken up again.
        """


def to_inputs(batch: Batch, device: torch.device, progress: float = 0.0, whole: Rowset | None = None) -> Inputs:
    """Move a padded batch to the device; arguments as Inputs has them."""
    return Inputs(
        rows=torch.from_numpy(batch.rows).to(device),
        input_ids=torch.from_numpy(batch.input_ids).to(device),
        attention_mask=torch.from_numpy(batch.attention_mask).to(device),
        labels=torch.from_numpy(batch.labels).to(device),
        progress=progress,
        part=Rowset(batch.labels, batch.attention_mask.sum(axis=1)),
        whole=whole,
    )
