"""Distillation that stops moving the int8 ranges and scales before training ends."""

from torch import Tensor, nn

from potstill.qat.fake_quant import observe
from potstill.training.distillation import Distillation, from_answers
from potstill.training.objective import Inputs


class FreezingDistillation(Distillation):
    """Distillation; in the last part of the steps ranges and scales stand still, and the weights settle into them."""

    def __init__(self, teacher_logits: Tensor, temperature: float, freeze_share: float) -> None:
        """Prepare the loss.

        Args:
            teacher_logits: (rows of the table, labels) float32.
            temperature: T > 0.
            freeze_share: last share of the steps, in which they stand still, in [0, 1].
        """
        super().__init__(from_answers(teacher_logits, temperature))
        self.freeze_share = freeze_share

    def forward(self, model: nn.Module, batch: Inputs) -> Tensor:
        """Return the batch's loss."""
        model.eval()
        observe(model, on=batch.progress < 1 - self.freeze_share)
        loss = super().forward(model, batch)
        observe(model, on=False)  # an evaluation between epochs must not move them, nor what is settled after the last
        return loss
