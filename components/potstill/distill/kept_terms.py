"""Losses that read the teacher's kept outputs: the teacher does not run."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from potstill.distill.projection import project
from potstill.training.distillation import Seen, Term
from potstill.training.losses import cls_states, contrastive_cls, relation_divergence, relations
from potstill.training.parts import ROWS, TOKENS, Unit
from potstill.training.teacher_outputs import OutputsView

CONTRAST_TEMPERATURE = 0.1  # of the similarities in contrastive_cls


class ClsStates(Term):
    """Patient distillation: the normalised [CLS] states of the layers between (arXiv:1908.09355)."""

    reads_inside: ClassVar[bool] = True
    unit: ClassVar[Unit] = ROWS

    def __init__(self, outputs: OutputsView, layer_map: list[int], width: int, target: int) -> None:
        """Prepare the projections.

        Args:
            outputs: the teacher's, with `cls` kept.
            layer_map: teacher layer (0 is the first) of each student layer. The last pair is left to the answers, as
                in the paper, unless it is the only one.
            width: of the student.
            target: width of the teacher.
        """
        super().__init__()
        self.outputs, self.pairs = outputs, list(enumerate(layer_map))[: max(1, len(layer_map) - 1)]
        self.projections = nn.ModuleList(project(width, target) for _ in self.pairs)

    def forward(self, seen: Seen) -> Tensor:
        """Return the mean over rows and matched layers."""
        kept = self.outputs.cls(seen.batch.rows.cpu()).to(seen.batch.input_ids.device)
        own = [seen.student.hidden[layer + 1][:, 0] for layer, _ in self.pairs]
        states = [projection(each) for projection, each in zip(self.projections, own, strict=True)]
        return cls_states(torch.stack(states, 1), kept[:, [wanted for _, wanted in self.pairs]])


class ContrastiveCls(Term):
    """The last [CLS] state tells its own row from the others of the batch by the teacher's (arXiv:2009.14167).

    Of several accumulated batches each contrasts its own rows alone, and the step's loss is the mean over all rows.
    """

    reads_inside: ClassVar[bool] = True
    unit: ClassVar[Unit] = ROWS
    divisible: ClassVar[bool] = False

    def __init__(self, outputs: OutputsView, width: int, target: int) -> None:
        """Prepare the projection; arguments as for ClsStates."""
        super().__init__()
        self.outputs, self.projection = outputs, project(width, target)

    def forward(self, seen: Seen) -> Tensor:
        """Return the mean over rows, in nats."""
        kept = self.outputs.cls(seen.batch.rows.cpu())[:, -1].to(seen.batch.input_ids.device)
        return contrastive_cls(self.projection(seen.student.hidden[-1][:, 0]), kept, CONTRAST_TEMPERATURE)


class Relations(Term):
    """How queries, keys and values of one layer relate to each other (MiniLMv2, arXiv:2012.15828)."""

    reads_inside: ClassVar[bool] = True
    unit: ClassVar[Unit] = TOKENS

    def __init__(self, outputs: OutputsView, heads: int) -> None:
        """Prepare the term; heads: relation heads of the kept relations, which need not be attention heads."""
        super().__init__()
        self.outputs, self.heads = outputs, heads

    def forward(self, seen: Seen) -> Tensor:
        """Return the mean of the three divergences, of the student's last layer."""
        batch, own = seen.batch, seen.student
        kept = self.outputs.relations(batch.rows.cpu(), batch.input_ids.shape[1]).to(batch.input_ids.device)
        states = (own.queries[-1], own.keys[-1], own.values[-1])
        losses = [
            relation_divergence(relations(each, self.heads, batch.attention_mask), kept[:, i], batch.attention_mask)
            for i, each in enumerate(states)
        ]
        return torch.stack(losses).mean()
