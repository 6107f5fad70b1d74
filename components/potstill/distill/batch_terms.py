"""Losses for which the teacher runs in every batch: what they read, kept for all tokens, would be gigabytes."""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from potstill.distill.projection import project
from potstill.training.distillation import Seen, Term
from potstill.training.internals import Internals
from potstill.training.losses import feature_maps, hidden_states, scores

Divergence = Callable[[Tensor, Tensor, Tensor], Tensor]


class _InBatch(Term):
    reads_inside: ClassVar[bool] = True
    needs_teacher: ClassVar[bool] = True

    def forward(self, seen: Seen) -> Tensor:
        """Return the batch's loss."""
        if seen.teacher is None:
            raise RuntimeError("the teacher did not run in this batch")
        return self.compare(seen.student, seen.teacher, seen.batch.attention_mask)

    @abstractmethod
    def compare(self, student: Internals, teacher: Internals, mask: Tensor) -> Tensor:
        """Return the loss; mask: (rows, tokens)."""


class Embeddings(_InBatch):
    """The embeddings' outputs, projected to the teacher's width (arXiv:1909.10351, equation 9)."""

    def __init__(self, width: int, target: int) -> None:
        """Prepare the projection from the student's width to the teacher's."""
        super().__init__()
        self.projection = project(width, target)

    def compare(self, student: Internals, teacher: Internals, mask: Tensor) -> Tensor:
        """Return the mean squared difference."""
        return hidden_states(self.projection(student.hidden[0]), teacher.hidden[0], mask)


class HiddenStates(_InBatch):
    """The layers' outputs, each through a projection of its own (arXiv:1909.10351, equation 8)."""

    def __init__(self, layer_map: list[int], width: int, target: int) -> None:
        """Prepare the projections.

        Args:
            layer_map: teacher layer (0 is the first) of each student layer.
            width: of the student.
            target: width of the teacher.
        """
        super().__init__()
        self.layer_map = layer_map
        self.projections = nn.ModuleList(project(width, target) for _ in layer_map)

    def compare(self, student: Internals, teacher: Internals, mask: Tensor) -> Tensor:
        """Return the mean squared difference, summed over the matched layers as in the paper's code."""
        losses = [
            hidden_states(projection(student.hidden[layer + 1]), teacher.hidden[wanted + 1], mask)
            for layer, (projection, wanted) in enumerate(zip(self.projections, self.layer_map, strict=True))
        ]
        return torch.stack(losses).sum()


class FeatureMaps(_InBatch):
    """The block outputs of MobileBERT's bottlenecks, which are as wide as its teacher's layers (arXiv:2004.02984)."""

    def __init__(self, layer_map: list[int]) -> None:
        """Prepare the term; layer_map: teacher layer (0 is the first) of each student layer."""
        super().__init__()
        self.layer_map = layer_map

    def compare(self, student: Internals, teacher: Internals, mask: Tensor) -> Tensor:
        """Return the mean over the matched layers."""
        losses = [
            feature_maps(student.hidden[layer + 1], teacher.hidden[wanted + 1], mask)
            for layer, wanted in enumerate(self.layer_map)
        ]
        return torch.stack(losses).mean()


class Attention(_InBatch):
    """Attention of the matched layers, as scores (TinyBERT) or as distributions (MobileBERT)."""

    def __init__(self, layer_map: list[int], divergence: Divergence) -> None:
        """Prepare the term.

        Args:
            layer_map: teacher layer (0 is the first) of each student layer.
            divergence: attention_scores (before softmax) or attention_distributions (after).
        """
        super().__init__()
        self.layer_map, self.divergence = layer_map, divergence

    def compare(self, student: Internals, teacher: Internals, mask: Tensor) -> Tensor:
        """Return the mean over the matched layers."""
        losses = [
            self.divergence(_scores(student, layer), _scores(teacher, wanted), mask)
            for layer, wanted in enumerate(self.layer_map)
        ]
        return torch.stack(losses).mean()


def _scores(seen: Internals, layer: int) -> Tensor:
    return scores(seen.queries[layer], seen.keys[layer], seen.heads[layer])
