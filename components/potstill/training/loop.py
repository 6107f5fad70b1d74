"""The training loop: AdamW, warm-up and decay, clipping, early stopping, the best epoch's weights at the end."""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from potstill.data.batches import Batch, pad, shuffled
from potstill.data.tokens import TokenTable
from potstill.errors import InputError
from potstill.progress import progress
from potstill.training.device import autocast, pick_device, resolve_dtype
from potstill.training.options import TrainingOptions


@dataclass(frozen=True)
class Inputs:
    """A batch as tensors on the training device; shapes as in potstill.data.batches.Batch."""

    rows: Tensor
    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor


class Objective(nn.Module, ABC):
    """What is minimised. Its own parameters (projections) are trained with the model's."""

    @abstractmethod
    def forward(self, model: nn.Module, batch: Inputs) -> Tensor:
        """Return the batch's loss, a scalar."""


@dataclass
class TrainingState:
    """Everything that changes while training goes on; what a checkpoint of the training would hold."""

    model: nn.Module
    objective: Objective
    optimizer: AdamW
    scheduler: LambdaLR
    epoch: int = 0
    step: int = 0
    best_score: float = -math.inf
    best_epoch: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)


def fit(
    model: nn.Module,
    table: TokenTable,
    objective: Objective,
    options: TrainingOptions,
    evaluate: Callable[[nn.Module], float],
    what: str = "training",
    steps: int = 0,
) -> TrainingState:
    """Train a model in place; it ends in evaluation mode, on the CPU, with the weights of its best epoch.

    Args:
        model: the classifier.
        table: the rows to train on.
        objective: the loss.
        options: epochs, batch size, learning rate, seed, …
        evaluate: scores the model after each epoch, higher is better.
        what: what the progress line says.
        steps: optimiser steps to do instead of `options.epochs` full passes; 0: by epochs.

    Returns: the state at the end: steps done, loss and score of each epoch, which epoch was best.

    Raises:
        InputError: the loss became NaN or infinite.
    """
    device = pick_device()
    dtype = resolve_dtype(options.dtype, device)
    per_epoch = math.ceil(len(table) / options.batch_size)
    total = steps or per_epoch * options.epochs
    state = _start(model.to(device), objective.to(device), options, total)
    while state.step < total:
        _epoch(state, table, options, dtype, device, what, min(per_epoch, total - state.step))
        _judge(state, evaluate)
        if options.patience and state.epoch - state.best_epoch >= options.patience:
            break
    if state.best_weights:
        model.load_state_dict(state.best_weights)
    model.to("cpu").eval()
    return state


def _start(model: nn.Module, objective: Objective, options: TrainingOptions, total: int) -> TrainingState:
    named = [*model.named_parameters(), *objective.named_parameters()]
    trained = [(name, parameter) for name, parameter in named if parameter.requires_grad]
    # Decaying biases and norms only pulls outputs to zero; vectors and scalars are left out by their rank.
    groups = [
        {"params": [p for _, p in trained if p.ndim > 1], "weight_decay": options.weight_decay},
        {"params": [p for _, p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = AdamW(groups, lr=options.learning_rate, fused=True)
    warmup = max(1, round(total * options.warmup_share))

    def factor(step: int) -> float:
        return min((step + 1) / warmup, max(0.0, (total - step) / max(1, total - warmup)))

    return TrainingState(model, objective, optimizer, LambdaLR(optimizer, factor))


def _epoch(
    state: TrainingState,
    table: TokenTable,
    options: TrainingOptions,
    dtype: torch.dtype,
    device: torch.device,
    what: str,
    steps: int,
) -> None:
    state.model.train()
    state.objective.train()
    batches = shuffled(table, options.batch_size, options.seed, state.epoch)[:steps]
    losses = []
    for rows in progress(batches, f"{what}, epoch {state.epoch + 1}", unit="step"):
        batch = to_inputs(pad(table, rows), device)
        with autocast(dtype, device):
            loss = state.objective(state.model, batch)
        _update(state, loss, options)
        losses.append(float(loss.detach()))
    state.epoch += 1
    state.losses.append(sum(losses) / len(losses))


def _update(state: TrainingState, loss: Tensor, options: TrainingOptions) -> None:
    if not torch.isfinite(loss):
        raise InputError(
            f"the loss became {loss.item()} at step {state.step + 1}; lower learning_rate ({options.learning_rate:g}) "
            "or set dtype to float32"
        )
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    parameters = [p for group in state.optimizer.param_groups for p in group["params"]]
    nn.utils.clip_grad_norm_(parameters, options.max_grad_norm)
    state.optimizer.step()
    state.scheduler.step()
    state.step += 1


def _judge(state: TrainingState, evaluate: Callable[[nn.Module], float]) -> None:
    state.model.eval()
    score = evaluate(state.model)
    state.scores.append(score)
    if score > state.best_score:
        state.best_score, state.best_epoch = score, state.epoch
        state.best_weights = copy.deepcopy(state.model.state_dict())


def to_inputs(batch: Batch, device: torch.device) -> Inputs:
    """Move a padded batch to the device."""
    return Inputs(
        rows=torch.from_numpy(batch.rows).to(device),
        input_ids=torch.from_numpy(batch.input_ids).to(device),
        attention_mask=torch.from_numpy(batch.attention_mask).to(device),
        labels=torch.from_numpy(batch.labels).to(device),
    )
