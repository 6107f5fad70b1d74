"""Distillation: soft labels and hard labels, weighted, and whatever else a stage matches."""

from torch import Tensor, nn

from potstill.training.loop import Inputs, Objective
from potstill.training.losses import hard_labels, soft_labels


class Distillation(Objective):
    """(1 − α)·KL·T² + α·cross-entropy + hidden.

    The teacher's logits come from a cache made once for all rows.
    """

    teacher_logits: Tensor

    def __init__(
        self, teacher_logits: Tensor, temperature: float, alpha: float = 0.0, hidden: nn.Module | None = None
    ) -> None:
        """Prepare the loss.

        Args:
            teacher_logits: (rows of the table, labels) float32.
            temperature: T > 0.
            alpha: weight of the hard labels in [0, 1].
            hidden: (the student's hidden states, batch) → a further loss; its parameters are trained, too.
        """
        super().__init__()
        self.register_buffer("teacher_logits", teacher_logits, persistent=False)
        self.temperature, self.alpha, self.hidden = temperature, alpha, hidden

    def forward(self, model: nn.Module, batch: Inputs) -> Tensor:
        """Return the batch's loss."""
        output = model(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            output_hidden_states=self.hidden is not None,
        )
        logits, teacher = output.logits.float(), self.teacher_logits[batch.rows]
        loss = (1 - self.alpha) * soft_labels(logits, teacher, self.temperature)
        if self.alpha:
            loss = loss + self.alpha * hard_labels(logits, batch.labels)
        if self.hidden is not None:
            loss = loss + self.hidden(output.hidden_states, batch)
        return loss
