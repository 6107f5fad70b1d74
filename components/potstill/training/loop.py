"""The training loop: batches of like length, clipped AdamW steps, early stopping, the best epoch's weights kept."""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor, nn

from potstill import processes
from potstill.data.batches import Batch, Rows, groups_of, pad, shuffled
from potstill.data.tokens import TokenTable
from potstill.progress import progress, tell
from potstill.training.averaging import averaged
from potstill.training.device import autocast, pick_device, resolve_dtype
from potstill.training.divergence import REMEMBERED, diverged, why_diverged
from potstill.training.dropout import seeded_dropout
from potstill.training.first_token import last_layer_for_first_token
from potstill.training.objective import Objective, to_inputs
from potstill.training.optimizer import clipped_step, gradient_norm, gradients, make_optimizer, make_schedule
from potstill.training.options import TrainingOptions
from potstill.training.parts import Rowset
from potstill.training.resume import Checkpoints, Phase
from potstill.training.resume.termination import StoppedError, Termination
from potstill.training.state import TrainingState
from potstill.training.watchdog import watching


def fit(
    model: nn.Module,
    table: TokenTable,
    objective: Objective,
    options: TrainingOptions,
    evaluate: Callable[[nn.Module], float] | None,
    what: str = "training",
    steps: int = 0,
    checkpoints: Checkpoints | None = None,
) -> TrainingState:
    """Train a model in place; it ends in evaluation mode, on the CPU, with the weights of its best epoch.

    Several processes train as one: all of them call this with the same arguments, each computes its rows of every
    batch, and all end with the same weights.

    Args:
        model: the classifier.
        table: the rows to train on.
        objective: the loss.
        options: epochs, batch size, learning rate, seed, …
        evaluate: scores the model after each epoch, higher is better; None: the last epoch's weights are kept.
        what: what the progress line says.
        steps: optimiser steps to do instead of `options.epochs` full passes; 0: by epochs.
        checkpoints: where the state is kept and taken up again; None: nowhere.

    Returns: the state at the end: steps done, loss and score of each epoch, which epoch was best.

    Raises:
        InputError: the loss or its gradient became NaN or infinite, or the gradient exploded.
        SystemExit: with code 143 after SIGTERM, 130 after Ctrl-C, when the state is kept.
    """
    phase = checkpoints.phase(what) if checkpoints else Phase()
    work = _Work(table, options, pick_device(), what, phase, objective.observe)
    state = _start(model.to(work.device), objective.to(work.device), options, steps or work.per_epoch * options.epochs)
    if not phase.restore(state):
        with phase.listening():
            _train(state, work, evaluate)
        model.load_state_dict(state.best_weights or state.kept.state_dict())
        phase.finish(state)
    model.to("cpu").eval()
    return state


@dataclass(frozen=True)
class _Work:
    """What does not change while training goes on."""

    table: TokenTable
    options: TrainingOptions
    device: torch.device
    what: str
    phase: Phase
    observe: Callable[[nn.Module], None]

    @property
    def per_epoch(self) -> int:
        """Optimiser steps in a full pass."""
        return math.ceil(math.ceil(len(self.table) / self.options.batch_size) / self.options.accumulate)


def _start(model: nn.Module, objective: Objective, options: TrainingOptions, total: int) -> TrainingState:
    optimizer = make_optimizer(model, objective, options)
    scheduler = make_schedule(optimizer, total, options.warmup_share)
    average = averaged(model, options.ema) if options.ema else None
    return TrainingState(model, objective, optimizer, scheduler, average, total)


def _train(state: TrainingState, work: _Work, evaluate: Callable[[nn.Module], float] | None) -> None:
    patience = work.options.patience
    while state.epoch * work.per_epoch < state.total:
        if state.scores and patience and state.epoch - state.best_epoch >= patience:
            break
        _steps(state, work)
        _close_epoch(state, work, evaluate)
        work.phase.tick(state)


def _steps(state: TrainingState, work: _Work) -> None:
    """Do what is left of an epoch's steps."""
    state.model.train()
    state.objective.train()
    options, begun = work.options, state.epoch * work.per_epoch
    batches = shuffled(work.table, options.batch_size, options.seed, state.epoch)
    steps = groups_of(batches, options.accumulate)[: state.total - begun][state.step - begun :]
    with (
        last_layer_for_first_token(state.model),
        watching(options.stall_seconds, work.what, lambda: work.phase.newest) as alive,
    ):
        for group in progress(steps, f"{work.what}, epoch {state.epoch + 1}", unit="step"):
            _step(state, group, work)
            work.phase.tick(state)
            alive()


def _close_epoch(state: TrainingState, work: _Work, evaluate: Callable[[nn.Module], float] | None) -> None:
    """Judge the model and close the epoch; until it is judged, nothing of the state has changed."""
    if evaluate is not None:
        try:
            with work.phase.interruptible():
                score = evaluate(state.kept.eval())
        except StoppedError:
            _stop(state, work)
        state.scores.append(score)
        if score > state.best_score:
            state.best_score, state.best_epoch = score, state.epoch + 1
            state.best_weights = copy.deepcopy(state.kept.state_dict())
    state.epoch += 1
    state.losses.append(sum(state.epoch_losses) / len(state.epoch_losses))
    state.epoch_losses = []


def _step(state: TrainingState, batches: Sequence[Rows], work: _Work) -> None:
    """Take one optimiser step on all rows of `batches`."""
    rows = np.concatenate(batches)
    whole = Rowset(work.table.labels[rows], work.table.lengths[rows])
    padded = [pad(work.table, each) for each in batches]
    before = {name: each.clone() for name, each in state.model.named_buffers()}  # a forward pass moves qat's ranges
    loss, norm, stop = _differentiate(state, padded, whole, work)
    length = float(norm)
    if why := why_diverged(loss, length, state.norms, work.options):
        state.model.load_state_dict(before, strict=False)
        raise diverged(why, state.step + 1, work.phase.keep(state), work.options)
    work.observe(state.model)
    clipped_step(state.optimizer, norm, work.options.max_grad_norm)
    state.scheduler.step()
    if state.average:
        state.average.update_parameters(state.model)
    state.step += 1
    state.positions += sum(batch.input_ids.size for batch in padded)
    state.tokens += int(whole.lengths.sum())
    state.epoch_losses.append(loss)
    state.norms = [*state.norms, length][-REMEMBERED:]
    if stop:
        _stop(state, work)


def _differentiate(
    state: TrainingState, batches: Sequence[Batch], whole: Rowset, work: _Work
) -> tuple[float, Tensor, bool]:
    """Compute a step's gradients, all processes together; → loss, norm, and whether one of them was asked to end."""
    state.optimizer.zero_grad(set_to_none=True)
    losses = [_backward(state, batch, whole, part, work) for part, batch in enumerate(batches)]
    asked = torch.tensor(float(work.phase.asked_to_stop), device=work.device)
    told = torch.stack([torch.stack(losses).sum(), asked])
    processes.add_up([*gradients(state.optimizer), told])
    loss, stop = told.tolist()
    return loss, gradient_norm(state.optimizer), stop > 0


def _backward(state: TrainingState, batch: Batch, whole: Rowset, part: int, work: _Work) -> Tensor:
    """Add the gradient of this process's rows of a batch; → their part of the step's loss."""
    rows, counts = processes.own(len(batch.rows))
    inputs = to_inputs(batch.take(rows), work.device, state.step / state.total, whole)
    seed = (work.options.seed, state.step, part)
    dropout = seeded_dropout(work.device, seed, rows, len(batch.rows))
    with autocast(resolve_dtype(work.options.dtype, work.device), work.device), dropout:
        loss: Tensor = state.objective(state.model, inputs) * float(counts)
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach()


def _stop(state: TrainingState, work: _Work) -> NoReturn:
    kept, asked = work.phase.keep(state), work.phase.asked or Termination()
    if kept:
        tell(
            f"{work.what}: stopped by {asked.name}; step {state.step} is kept at {kept}; run the same command to go on"
        )
    raise SystemExit(asked.code)
