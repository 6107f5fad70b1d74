"""Learning from labels alone."""

import numpy as np
import torch
from torch import Tensor, nn

from potstill.data.tokens import NO_LABEL, TokenTable
from potstill.training.objective import Inputs, Objective
from potstill.training.parts import LABELLED


class CrossEntropy(Objective):
    """Cross-entropy of the labels."""

    weights: Tensor | None

    def __init__(self, smoothing: float = 0.0, weights: Tensor | None = None) -> None:
        """Prepare the loss.

        Args:
            smoothing: share of each target spread evenly over all labels, in [0, 1).
            weights: (labels,) float32, how much a row of each label counts; None: all alike.
        """
        super().__init__()
        self.smoothing = smoothing
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, model: nn.Module, batch: Inputs) -> Tensor:
        """Return the batch's part of the mean over the step's labelled rows, in nats."""
        logits = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits.float()
        # PyTorch's own mean divides by the weights of the batch at hand: each batch would count alike, its rows not.
        each = nn.functional.cross_entropy(
            logits, batch.labels, self.weights, reduction="none", label_smoothing=self.smoothing
        )
        return batch.share(LABELLED) * (each.sum() / (batch.labels != NO_LABEL).sum().clamp(min=1))


def balanced_weights(table: TokenTable, labels: int) -> Tensor:
    """Weigh labels so that all count alike, however many rows each has: rows / (labels × rows of the label).

    Args:
        table: rows with one label each.
        labels: how many labels there are.

    Returns: (labels,) float32; their mean over the rows is 1. A label without rows has weight 0.

    Source: "balanced" of scikit-learn's compute_class_weight.
    """
    counts = np.bincount(table.labels, minlength=labels)
    weights = len(table) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return torch.from_numpy(np.where(counts > 0, weights, 0.0)).float()
