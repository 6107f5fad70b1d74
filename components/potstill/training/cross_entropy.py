"""Learning from labels alone."""

from torch import Tensor, nn

from potstill.training.loop import Inputs, Objective


class CrossEntropy(Objective):
    """Cross-entropy of the labels."""

    def __init__(self, smoothing: float = 0.0) -> None:
        """Prepare the loss; smoothing: share of each target spread evenly over all labels, in [0, 1)."""
        super().__init__()
        self.smoothing = smoothing

    def forward(self, model: nn.Module, batch: Inputs) -> Tensor:
        """Return the mean over the batch's rows, in nats."""
        logits = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
        return nn.functional.cross_entropy(logits.float(), batch.labels, label_smoothing=self.smoothing)
