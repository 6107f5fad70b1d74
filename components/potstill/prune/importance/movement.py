"""Importance by where training moves the weights: what shrinks while the model learns is not needed."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from potstill.data.tokens import TokenTable
from potstill.prune.importance.comparable import Importance, unit
from potstill.prune.importance.units import Units, units
from potstill.training.loop import fit
from potstill.training.objective import Inputs, Objective
from potstill.training.options import TrainingOptions
from potstill.training.resume import Checkpoints

PLACE = "movement"


def movement_importance(
    model: PreTrainedModel,
    table: TokenTable,
    objective: Objective,
    options: TrainingOptions,
    checkpoints: Checkpoints,
    seed: int,
    what: str,
) -> Importance:
    """Train for one epoch, and weigh each head and neuron by −Σ w·∂L/∂w over its weights and all steps.

    Positive is what training makes larger, negative what it drives to zero. One score for all that a cut takes away
    (rows of the linears that make a unit, their biases, columns of the one that carries it on) is the derivative by a
    mask on all of it, as the second paper has it for rows, columns and blocks. Gradients count as they are, before
    they are clipped, and the learning rate does not count.

    It wants steps, and a model that still learns: where the weights rest already, the signs of a few steps are chance,
    and what matters most may come out last. Of the demo's 2×512 student (84.4 %) a cut of 75 % without recovery left
    51 % by the 16 steps of 1,024 rows, 71 % by 32 of 2,000 rows, and 77 % by these at a learning rate of 1e-3;
    by Taylor 79 %, at random 42 to 53 %.

    Args:
        model: is trained, and then of no further use.
        table: the rows.
        objective: the loss.
        options: of the training; epochs are 1, and no epoch is judged, so that patience and ema mean nothing.
        checkpoints: where its state is kept and taken up again.
        seed: of row order and dropout.
        what: name of the phase.

    Returns: per attention (heads,), per feed-forward network (neurons,) float32, signed, each of L2 norm 1.

    Raises:
        InputError: the training diverged.
        SystemExit: it was asked to end, and its state is kept.

    Source: arXiv:2005.07683, section 4, per weight; arXiv:2109.04838, section 3, per structure.
    """
    scores = Scores(*units(model))
    model.add_module(PLACE, scores)
    fit(model, table, Moving(objective), _one_epoch(options, seed), None, what, checkpoints=checkpoints)
    return [unit(each) for each in scores.of("heads")], [unit(each) for each in scores.of("neurons")]


class Moving(Objective):
    """Another objective's loss; in every step it tells the model's scores."""

    def __init__(self, loss: Objective) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, model: nn.Module, batch: Inputs) -> Tensor:
        """Return the batch's part of the step's loss."""
        told: Tensor = self.loss(model, batch)
        return told

    def observe(self, model: nn.Module) -> None:
        """Count a step."""
        scores = model.get_submodule(PLACE)
        if isinstance(scores, Scores):
            scores.count(*units(model))


class Scores(nn.Module):
    """What has been counted so far, as buffers.

    They are the trained model's and not the objective's, because of a training that has ended only the model is kept:
    one that is killed after it finds them there.
    """

    def __init__(self, heads: list[Units], neurons: list[Units]) -> None:
        super().__init__()
        for kind, groups in (("heads", heads), ("neurons", neurons)):
            for number, each in enumerate(groups):
                self.register_buffer(f"{kind}_{number:03d}", torch.zeros(each.number))

    def of(self, kind: str) -> list[Tensor]:
        """Return the scores of "heads" or "neurons", a tensor for each group."""
        return [each for name, each in self.named_buffers() if name.startswith(kind)]

    @torch.no_grad()
    def count(self, heads: list[Units], neurons: list[Units]) -> None:
        """Add a step's −Σ w·∂L/∂w, from the gradients that the weights have now."""
        for score, group in zip(self.buffers(), [*heads, *neurons], strict=True):
            score.sub_(group.add_up(_slope))


def _slope(weight: Tensor) -> Tensor:
    if weight.grad is None:
        raise ValueError("the loss does not reach this layer; its weights have no gradient")
    return weight * weight.grad


def _one_epoch(options: TrainingOptions, seed: int) -> TrainingOptions:
    return replace(options, epochs=1, patience=0, ema=0.0, seed=seed)
