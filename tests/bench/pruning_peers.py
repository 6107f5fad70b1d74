"""The peers of bench_pruning, on the rows and in the recovery of the stage itself."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import nn
from torch.nn.utils import prune
from transformers import PreTrainedModel

from potstill.data.tokens import TRAIN, VALIDATION, read_split
from potstill.encoder.checkpoint import load_classifier, save_checkpoint
from potstill.measure.torch_session import predict_torch
from potstill.prune import PruneConfig
from potstill.prune.rounds import Lessons, Rounds
from potstill.prune.selection import cubic
from potstill.prune.structure import attentions, feed_forwards
from potstill.training.answers import teacher_answers
from potstill.training.device import reproducible
from potstill.training.resume import Checkpoints
from potstill.training.rows import labelled, rows_to_learn


class Peer(Protocol):
    """Another way to cut."""

    def cut(self, number: int) -> None:
        """Cut the model in place, for the round of this number from 1."""

    def ended(self) -> PreTrainedModel:
        """Return the model as it is saved."""


def run_peer(
    make: Callable[[PreTrainedModel, Lessons, PruneConfig], Peer],
    teacher: Path,
    tokens: Path,
    out: Path,
    config: PruneConfig,
) -> None:
    """Cut and recover in rounds, and write the model.

    Args:
        make: the peer, of the model, what there is to learn from, and the options.
        teacher: the unpruned checkpoint.
        tokens: of it.
        out: where the smaller one is written.
        config: the stage's options, of which the peer reads what it can.
    """
    with reproducible(config.seed, config.threads):
        model = load_classifier(teacher)
        lessons = lessons_of(model, tokens, config)
        peer = make(model, lessons, config)
        rounds = PeerRounds(None, lessons, config, Checkpoints(), peer)
        for number in range(1, config.rounds + 1):
            rounds.run(number, model)
        out.mkdir(parents=True)
        save_checkpoint(peer.ended(), teacher, out)


@dataclass(frozen=True)
class PeerRounds(Rounds):
    """Our rounds, with another's cut."""

    peer: Peer

    def _drop(self, number: int, model: PreTrainedModel) -> PreTrainedModel:  # noqa: ARG002 - peers drop none
        return model

    def _cut(self, number: int, model: PreTrainedModel) -> PreTrainedModel:
        self.peer.cut(number)
        return model


def lessons_of(model: PreTrainedModel, tokens: Path, config: PruneConfig) -> Lessons:
    """Read the rows that the stage reads, with the unpruned model's answers."""
    validation, recovery = read_split(tokens, VALIDATION), rows_to_learn(tokens, config.recovery_rows, config.seed)
    return Lessons(
        recovery=recovery,
        answers=teacher_answers(model, recovery, config, "unpruned answers"),
        judged=validation.take(range(min(config.importance_rows, len(validation)))),
        labelled=labelled(read_split(tokens, TRAIN)),
        validation=validation,
        validation_answers=torch.from_numpy(predict_torch(model, validation)),
    )


class Masks:
    """The smallest single weights of heads and neurons are set to zero and held there: PyTorch's own pruning."""

    def __init__(self, model: PreTrainedModel, _: Lessons, config: PruneConfig) -> None:
        self.model, self.config = model, config
        self.weights: list[tuple[nn.Module, str]] = [(each, "weight") for each in linears(model)]

    def cut(self, number: int) -> None:
        """Mask as much as the schedule says, of all layers together."""
        share = cubic(number, self.config.rounds, self.config.ffn_sparsity)
        prune.global_unstructured(self.weights, prune.L1Unstructured, amount=share)

    def ended(self) -> PreTrainedModel:
        """Make the zeros the weights."""
        for linear, name in self.weights:
            prune.remove(linear, name)
        return self.model


def linears(model: PreTrainedModel) -> list[nn.Linear]:
    """List the linears that heads and neurons consist of."""
    found = [each for a in attentions(model) for each in (a.query, a.key, a.value, a.output)]
    return found + [each for network in feed_forwards(model) for each in (network.first, network.second)]
