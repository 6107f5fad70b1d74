"""Matching hidden states of student and teacher through learned projections."""

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from potstill.training.loop import Inputs
from potstill.training.losses import hidden_states


class HiddenMatching(nn.Module):
    """Pulls chosen hidden states of the student, through learned projections, to those of the teacher.

    The teacher's states are computed anew in each batch: kept for all tokens they would be gigabytes.
    """

    def __init__(self, student: PreTrainedModel, teacher: PreTrainedModel, layer_map: list[int], weight: float) -> None:
        """Prepare the projections.

        Args:
            student: gives the width that is projected from.
            teacher: computes the targets; frozen.
            layer_map: teacher layer (0 is the first) of each student layer.
            weight: factor of the loss, above 0.
        """
        super().__init__()
        self.layer_map, self.weight = layer_map, weight
        self.teacher = teacher.eval().requires_grad_(requires_grad=False)
        width, target = student.config.hidden_size, teacher.config.hidden_size
        self.projections = nn.ModuleList(_projection(width, target) for _ in layer_map)

    def train(self, mode: bool = True) -> "HiddenMatching":
        """Switch the projections; the teacher stays in evaluation mode."""
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self, states: tuple[Tensor, ...], batch: Inputs) -> Tensor:
        """states: the student's hidden states, embeddings first; → the weighted mean over the matched layers."""
        with torch.no_grad():
            targets = self.teacher(
                input_ids=batch.input_ids, attention_mask=batch.attention_mask, output_hidden_states=True
            ).hidden_states
        losses = [
            hidden_states(projection(states[layer + 1]).float(), targets[wanted + 1].float(), batch.attention_mask)
            for layer, (projection, wanted) in enumerate(zip(self.projections, self.layer_map, strict=True))
        ]
        return self.weight * torch.stack(losses).mean()


def _projection(width: int, target: int) -> nn.Linear:
    linear = nn.Linear(width, target, bias=False)
    if width == target:
        nn.init.eye_(linear.weight)  # a layer copied from the teacher begins by matching it exactly
    return linear
