"""Losses for which the teacher runs in every batch: what they read, kept for all tokens, would be gigabytes."""

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from potstill.distill.projection import project
from potstill.training.distillation import Seen, Term
from potstill.training.internals import Internals
from potstill.training.losses import attention_distributions, attention_scores, feature_maps, hidden_states, scores
from potstill.training.parts import PAIRS, TOKENS, Unit


class _InBatch(Term):
    reads_inside: ClassVar[bool] = True
    needs_teacher: ClassVar[bool] = True
    unit: ClassVar[Unit] = TOKENS

    def forward(self, seen: Seen) -> Tensor:
        """Return the mean over what was seen."""
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


class _Attention(_InBatch):
    """Attention of the matched layers."""

    def __init__(self, layer_map: list[int]) -> None:
        """Prepare the term; layer_map: teacher layer (0 is the first) of each student layer."""
        super().__init__()
        self.layer_map = layer_map

    def compare(self, student: Internals, teacher: Internals, mask: Tensor) -> Tensor:
        """Return the mean over the matched layers."""
        losses = [
            self.differ(_scores(student, layer), _scores(teacher, wanted), mask)
            for layer, wanted in enumerate(self.layer_map)
        ]
        return torch.stack(losses).mean()

    @abstractmethod
    def differ(self, student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
        """Return the loss of one layer's scores, (rows, heads, tokens, tokens) each."""


class AttentionScores(_Attention):
    """Attention before the softmax, as TinyBERT has it (arXiv:1909.10351)."""

    unit: ClassVar[Unit] = PAIRS

    def differ(self, student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
        """Return the mean squared difference."""
        return attention_scores(student, teacher, mask)


class AttentionDistributions(_Attention):
    """Attention after the softmax, as MobileBERT has it (arXiv:2004.02984)."""

    def differ(self, student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
        """Return the divergence of each query's attention."""
        return attention_distributions(student, teacher, mask)


def _scores(seen: Internals, layer: int) -> Tensor:
    return scores(seen.queries[layer], seen.keys[layer], seen.heads[layer])
