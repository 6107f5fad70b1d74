"""Distillation: a weighted sum of losses, each with its own schedule."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from potstill.training.internals import Internals, run_with_internals
from potstill.training.losses import hard_labels, hard_multi_labels, soft_labels, soft_multi_labels
from potstill.training.objective import Inputs, Objective
from potstill.training.parts import LABELLED, ROWS, Unit
from potstill.training.weights import Weight


@dataclass(frozen=True)
class Seen:
    """What a loss may look at: the batch, and what student and teacher computed on it.

    Attributes:
        batch: the rows.
        student: its forward pass; only `logits` where no loss of the step reads more.
        teacher: its forward pass, without gradients; None where no loss of the step needs it.
    """

    batch: Inputs
    student: Internals
    teacher: Internals | None = None


class Term(nn.Module, ABC):
    """One loss of a distillation. Its own parameters (projections) are trained with the student's."""

    reads_inside: ClassVar[bool] = False
    """Whether it reads more of the student than its logits."""
    needs_teacher: ClassVar[bool] = False
    """Whether the teacher must run in the batch; a term that reads kept outputs needs none."""
    unit: ClassVar[Unit]
    """What it is a mean over: parts of a batch count by how much of it they have."""
    divisible: ClassVar[bool] = True
    """Whether the parts of a batch have the batch's loss between them; not where rows are compared with each other."""

    @abstractmethod
    def forward(self, seen: Seen) -> Tensor:
        """Return the mean over what was seen, a scalar; 0 without a gradient where there is nothing of its unit."""


class Distillation(Objective):
    """Σ weight(progress) · loss over the terms of a recipe. A term whose weight is 0 at a step is not computed."""

    def __init__(self, terms: Mapping[str, tuple[Term, Weight]], teacher: nn.Module | None = None) -> None:
        """Prepare the sum.

        Args:
            terms: by name, each with its weight.
            teacher: runs in those batches in which a term needs it; frozen.
        """
        super().__init__()
        self.terms = nn.ModuleDict({name: term for name, (term, _) in terms.items()})
        self.weights = {name: weight for name, (_, weight) in terms.items()}
        # In a tuple, so that it is no part of this module: its weights are neither trained nor saved.
        still = [teacher.eval().requires_grad_(requires_grad=False)] if teacher is not None else []
        self.frozen: tuple[nn.Module, ...] = tuple(still)

    def forward(self, model: nn.Module, batch: Inputs) -> Tensor:
        """Return the batch's part of the step's loss."""
        now = {name: weight.at(batch.progress) for name, weight in self.weights.items()}
        active = {name: term for name, term in self._named_terms() if now[name] > 0}
        seen = self._look(model, batch, list(active.values()))
        losses = [now[name] * batch.share(term.unit) * term(seen) for name, term in active.items()]
        return torch.stack(losses).sum() if losses else seen.student.logits.sum() * 0.0

    def _named_terms(self) -> list[tuple[str, Term]]:
        return [(name, term) for name, term in self.terms.items() if isinstance(term, Term)]

    def _look(self, model: nn.Module, batch: Inputs, active: list[Term]) -> Seen:
        if any(term.reads_inside for term in active):
            student = run_with_internals(model, batch.input_ids, batch.attention_mask)
        else:
            student = Internals(model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits, ())
        if not any(term.needs_teacher for term in active):
            return Seen(batch, student)
        teacher = self.frozen[0].to(batch.input_ids.device)
        with torch.no_grad():
            return Seen(batch, student, run_with_internals(teacher, batch.input_ids, batch.attention_mask))


class SoftLabels(Term):
    """The teacher's answers, from logits kept for all rows; every loss but this one may be left out."""

    unit: ClassVar[Unit] = ROWS
    logits: Tensor

    def __init__(self, logits: Tensor, temperature: float, *, multi_label: bool = False) -> None:
        """Prepare the term.

        Args:
            logits: (rows of the table, labels) float32, the teacher's.
            temperature: T > 0.
            multi_label: each label is a yes or no of its own (sigmoid), not one of many (softmax).
        """
        super().__init__()
        self.register_buffer("logits", logits, persistent=False)
        self.temperature = temperature
        self.divergence = soft_multi_labels if multi_label else soft_labels

    def forward(self, seen: Seen) -> Tensor:
        """Return the divergence from the teacher's answers."""
        return self.divergence(seen.student.logits.float(), self.logits[seen.batch.rows], self.temperature)


class HardLabels(Term):
    """The true labels, of those rows that have one."""

    unit: ClassVar[Unit] = LABELLED

    def __init__(self, *, multi_label: bool = False) -> None:
        """Prepare the term; multi_label: the labels are (rows, labels) of 0 and 1."""
        super().__init__()
        self.cross_entropy = hard_multi_labels if multi_label else hard_labels

    def forward(self, seen: Seen) -> Tensor:
        """Return the cross-entropy."""
        return self.cross_entropy(seen.student.logits.float(), seen.batch.labels)


def from_answers(logits: Tensor, temperature: float) -> dict[str, tuple[Term, Weight]]:
    """The plain distillation of answers, for recovery after pruning and quantisation; arguments as for SoftLabels."""
    return {"soft_labels": (SoftLabels(logits, temperature), Weight(1.0))}
