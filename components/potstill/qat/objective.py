"""Distillation that stops moving the int8 ranges before training ends."""

from torch import Tensor, nn

from potstill.qat.fake_quant import observe
from potstill.training.distillation import Distillation
from potstill.training.loop import Inputs


class FreezingDistillation(Distillation):
    """Distillation; from step `freeze_at` on the ranges stand still, and the weights settle into them."""

    def __init__(self, teacher_logits: Tensor, temperature: float, freeze_at: int) -> None:
        """Prepare the loss; freeze_at: number of steps with moving ranges."""
        super().__init__(teacher_logits, temperature)
        self.freeze_at, self.step = freeze_at, 0

    def forward(self, model: nn.Module, batch: Inputs) -> Tensor:
        """Return the batch's loss."""
        observe(model, on=self.step < self.freeze_at)
        self.step += 1
        loss = super().forward(model, batch)
        observe(model, on=False)  # an evaluation between epochs must not move them
        return loss
