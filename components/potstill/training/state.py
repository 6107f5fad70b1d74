"""Everything that changes while training goes on: what a checkpoint of the training holds."""

import math
from dataclasses import dataclass, field

from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel


@dataclass
class TrainingState:
    """The objects that training changes, and where it stands.

    Row order and the CPU's dropout are functions of seed, epoch and step, and so need no place here.
    """

    model: nn.Module
    objective: nn.Module
    optimizer: AdamW
    scheduler: LambdaLR
    average: AveragedModel | None
    total: int
    epoch: int = 0
    step: int = 0
    positions: int = 0
    tokens: int = 0
    best_score: float = -math.inf
    best_epoch: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    epoch_losses: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)

    @property
    def kept(self) -> nn.Module:
        """What is judged and saved: the average of the weights, or the weights."""
        return self.average.module if self.average else self.model

    @property
    def padding_share(self) -> float:
        """Share of the token positions computed so far that were padding, in [0, 1)."""
        return 1 - self.tokens / self.positions if self.positions else 0.0
