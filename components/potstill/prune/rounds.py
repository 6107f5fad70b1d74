"""One round: layers, heads, neurons and width are cut, and what is left recovers from the unpruned model's answers."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from transformers import PreTrainedModel

from potstill.data.tokens import TokenTable
from potstill.options import SEEDS
from potstill.prune.config import PruneConfig
from potstill.prune.importance import hidden_importance, importance_of, layer_importance
from potstill.prune.plan import Importance, Plan
from potstill.prune.structure import layers
from potstill.prune.surgery import drop_layers
from potstill.training.cross_entropy import CrossEntropy
from potstill.training.distillation import Distillation, from_answers
from potstill.training.loop import fit
from potstill.training.resume import Checkpoints
from potstill.training.scoring import nearness_on


@dataclass(frozen=True)
class Lessons:
    """What the rounds learn from.

    Attributes:
        recovery: the rows to recover on.
        answers: (rows, labels) the unpruned model's logits of them.
        judged: labelled rows that importance is measured on.
        labelled: every labelled row of `train`, which movement trains on.
        validation: the rows that choose the best epoch.
        validation_answers: (rows, labels) the unpruned model's logits of those.
    """

    recovery: TokenTable
    answers: Tensor
    judged: TokenTable
    labelled: TokenTable
    validation: TokenTable
    validation_answers: Tensor


@dataclass(frozen=True)
class Rounds:
    """The rounds of one run.

    Attributes:
        plan: what stays after each.
        lessons: what they learn from.
        config: the options.
        checkpoints: where their trainings are kept.
    """

    plan: Plan
    lessons: Lessons
    config: PruneConfig
    checkpoints: Checkpoints

    def run(self, number: int, model: PreTrainedModel) -> PreTrainedModel:
        """Do one round.

        Args:
            number: of the round, from 1.
            model: the model before it; it stays as it is.
        """
        smaller = self._cut(number, self._drop(number, model))
        # Every round begins its own warm-up and decay; the rows come in another order.
        options = replace(self.config, seed=(self.config.seed + number) % SEEDS, patience=0)
        objective = Distillation(from_answers(self.lessons.answers, self.config.temperature))
        what = f"recovery, round {number}/{self.config.rounds}"
        fit(smaller, self.lessons.recovery, objective, options, self._score(), what, checkpoints=self.checkpoints)
        return smaller

    def _score(self) -> Callable[[torch.nn.Module], float] | None:
        """Choose among epochs by the nearness to the unpruned model; a single one needs no judge."""
        lessons = self.lessons
        if self.config.epochs < 2:
            return None
        return nearness_on(lessons.validation, lessons.validation_answers, self.config.temperature)

    def _drop(self, number: int, model: PreTrainedModel) -> PreTrainedModel:
        """Drop layers one by one, each time that whose absence costs least now."""
        while (count := len(layers(model))) > self.plan.layers_after(number):
            costs = self._random(number, count) if self.config.importance == "random" else self._layers(model)
            least = int(costs.argmin())
            model = drop_layers(model, [layer for layer in range(count) if layer != least])
        return model

    def _layers(self, model: PreTrainedModel) -> Tensor:
        return layer_importance(model, self.lessons.judged, CrossEntropy(), self.config)

    def _random(self, number: int, count: int) -> Tensor:
        return torch.rand(count, generator=torch.Generator().manual_seed((self.config.seed + number) % SEEDS))

    def _cut(self, number: int, model: PreTrainedModel) -> PreTrainedModel:
        return self.plan.after(number, model, self._importance(number, model)).of(model)

    def _importance(self, number: int, model: PreTrainedModel) -> Importance:
        config, lessons = self.config, self.lessons
        table = lessons.labelled if config.importance == "movement" else lessons.judged
        what = f"importance, round {number}/{config.rounds}"
        seed = (config.seed + number) % SEEDS
        heads, neurons = importance_of(
            config.importance, model, table, CrossEntropy, config, self.checkpoints, seed, what
        )
        return Importance(heads, neurons, self._width(number, model) if config.hidden_sparsity else None)

    def _width(self, number: int, model: PreTrainedModel) -> Tensor:
        if self.config.importance == "random":
            return self._random(number, model.config.hidden_size)
        return hidden_importance(model, self.lessons.judged, CrossEntropy(), self.config)
