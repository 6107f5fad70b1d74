"""The training loop: batches of like length, clipped AdamW steps, early stopping, the best epoch's weights kept."""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel

from potstill.data.batches import Batch, Rows, groups_of, pad, shuffled
from potstill.data.tokens import TokenTable
from potstill.errors import InputError
from potstill.progress import progress
from potstill.training.averaging import averaged
from potstill.training.device import autocast, pick_device, resolve_dtype
from potstill.training.dropout import FastDropout
from potstill.training.first_token import last_layer_for_first_token
from potstill.training.optimizer import clipped_step, gradient_norm, make_optimizer, make_schedule
from potstill.training.options import TrainingOptions


@dataclass(frozen=True)
class Inputs:
    """A batch as tensors on the training device; shapes as in potstill.data.batches.Batch.

    Attributes:
        progress: share of all steps that were done before this one, in [0, 1).
    """

    rows: Tensor
    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor
    progress: float = 0.0


class Objective(nn.Module, ABC):
    """What is minimised. Its own parameters (projections) are trained with the model's."""

    @abstractmethod
    def forward(self, model: nn.Module, batch: Inputs) -> Tensor:
        """Return the batch's loss, a scalar."""


@dataclass
class TrainingState:
    """Everything that changes while training goes on; what a checkpoint of the training would hold.

    Row order and the CPU's dropout are functions of seed, epoch and step, and so need no place here.
    """

    model: nn.Module
    objective: Objective
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

    @property
    def kept(self) -> nn.Module:
        """What is judged and saved: the average of the weights, or the weights."""
        return self.average.module if self.average else self.model

    @property
    def padding_share(self) -> float:
        """Share of the token positions computed so far that were padding, in [0, 1)."""
        return 1 - self.tokens / self.positions if self.positions else 0.0


def fit(
    model: nn.Module,
    table: TokenTable,
    objective: Objective,
    options: TrainingOptions,
    evaluate: Callable[[nn.Module], float] | None,
    what: str = "training",
    steps: int = 0,
) -> TrainingState:
    """Train a model in place; it ends in evaluation mode, on the CPU, with the weights of its best epoch.

    Args:
        model: the classifier.
        table: the rows to train on.
        objective: the loss.
        options: epochs, batch size, learning rate, seed, …
        evaluate: scores the model after each epoch, higher is better; None: the last epoch's weights are kept.
        what: what the progress line says.
        steps: optimiser steps to do instead of `options.epochs` full passes; 0: by epochs.

    Returns: the state at the end: steps done, loss and score of each epoch, which epoch was best.

    Raises:
        InputError: the loss or its gradient became NaN or infinite.
    """
    device = pick_device()
    per_epoch = math.ceil(math.ceil(len(table) / options.batch_size) / options.accumulate)
    state = _start(model.to(device), objective.to(device), options, steps or per_epoch * options.epochs)
    while state.step < state.total:
        _epoch(state, table, options, device, what)
        if evaluate is None:
            continue
        _judge(state, evaluate)
        if options.patience and state.epoch - state.best_epoch >= options.patience:
            break
    model.load_state_dict(state.best_weights or state.kept.state_dict())
    model.to("cpu").eval()
    return state


def _start(model: nn.Module, objective: Objective, options: TrainingOptions, total: int) -> TrainingState:
    optimizer = make_optimizer(model, objective, options)
    scheduler = make_schedule(optimizer, total, options.warmup_share)
    average = averaged(model, options.ema) if options.ema else None
    return TrainingState(model, objective, optimizer, scheduler, average, total)


def _epoch(state: TrainingState, table: TokenTable, options: TrainingOptions, device: torch.device, what: str) -> None:
    state.model.train()
    state.objective.train()
    batches = shuffled(table, options.batch_size, options.seed, state.epoch)
    steps = groups_of(batches, options.accumulate)[: state.total - state.step]
    with last_layer_for_first_token(state.model):
        bar = progress(steps, f"{what}, epoch {state.epoch + 1}", unit="step")
        losses = [_step(state, table, batches, options, device) for batches in bar]
    state.epoch += 1
    state.losses.append(sum(losses) / len(losses))


def _step(
    state: TrainingState, table: TokenTable, batches: Sequence[Rows], options: TrainingOptions, device: torch.device
) -> float:
    """Take one optimiser step on all rows of `batches`; → their mean loss."""
    state.optimizer.zero_grad(set_to_none=True)
    rows = sum(map(len, batches))
    losses = [
        _backward(state, pad(table, each), len(each) / rows, (options.seed, state.step, part), options.dtype, device)
        for part, each in enumerate(batches)
    ]
    norm = gradient_norm(state.optimizer)
    loss, length = torch.stack([torch.stack(losses).sum(), norm]).tolist()
    _refuse_nan(loss, length, state.step, options)
    clipped_step(state.optimizer, norm, options.max_grad_norm)
    state.scheduler.step()
    if state.average:
        state.average.update_parameters(state.model)
    state.step += 1
    return float(loss)


def _backward(
    state: TrainingState, batch: Batch, share: float, seed: Sequence[int], dtype: str, device: torch.device
) -> Tensor:
    """Add the gradient of `share` of a batch's loss; → that part of the loss."""
    state.positions += batch.input_ids.size
    state.tokens += int(batch.attention_mask.sum())
    # A GPU draws its random numbers in parallel by itself.
    fast = FastDropout(seed) if device.type == "cpu" else nullcontext()
    with autocast(resolve_dtype(dtype, device), device), fast:
        loss: Tensor = share * state.objective(state.model, to_inputs(batch, device, state.step / state.total))
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach()


def _refuse_nan(loss: float, norm: float, step: int, options: TrainingOptions) -> None:
    for what, value in (("loss", loss), ("gradient", norm)):
        if not math.isfinite(value):
            raise InputError(
                f"the {what} became {value} at step {step + 1}; lower learning_rate ({options.learning_rate:g}) "
                "or set dtype to float32"
            )


def _judge(state: TrainingState, evaluate: Callable[[nn.Module], float]) -> None:
    score = evaluate(state.kept.eval())
    state.scores.append(score)
    if score > state.best_score:
        state.best_score, state.best_epoch = score, state.epoch
        state.best_weights = copy.deepcopy(state.kept.state_dict())


def to_inputs(batch: Batch, device: torch.device, progress: float = 0.0) -> Inputs:
    """Move a padded batch to the device; progress: share of all steps done, in [0, 1)."""
    return Inputs(
        rows=torch.from_numpy(batch.rows).to(device),
        input_ids=torch.from_numpy(batch.input_ids).to(device),
        attention_mask=torch.from_numpy(batch.attention_mask).to(device),
        labels=torch.from_numpy(batch.labels).to(device),
        progress=progress,
    )
