"""Learning from several labels a row: each label is a yes or no of its own."""

import torch
from torch import Tensor, nn

from potstill.data.tokens import NO_LABEL
from potstill.training.losses import hard_multi_labels
from potstill.training.objective import Inputs, Objective
from potstill.training.parts import LABELLED


class BinaryCrossEntropy(Objective):
    """Binary cross-entropy, summed over labels."""

    def __init__(self, smoothing: float = 0.0) -> None:
        """Prepare the loss; smoothing: share of each yes and no that is spread over both answers, in [0, 1)."""
        super().__init__()
        self.smoothing = smoothing

    def forward(self, model: nn.Module, batch: Inputs) -> Tensor:
        """Return the batch's part of the mean over the step's labelled rows, in nats."""
        logits = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
        smoothed = batch.labels * (1 - self.smoothing) + self.smoothing / 2
        targets = torch.where(batch.labels == NO_LABEL, NO_LABEL, smoothed)
        return batch.share(LABELLED) * hard_multi_labels(logits, targets)
