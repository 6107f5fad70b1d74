"""A training state becomes files and comes back bit for bit, at every step of every kind of training."""

import json
import math
import struct
import sys
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.testing import assert_close
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    MobileBertConfig,
    MobileBertForSequenceClassification,
)

from potstill.data.tokens import from_rows
from potstill.distill.objective import Pair, build_objective
from potstill.distill.recipes import resolve
from potstill.qat.objective import FreezingDistillation
from potstill.training.cross_entropy import CrossEntropy
from potstill.training.device import reproducible
from potstill.training.loop import fit
from potstill.training.options import TrainingOptions
from potstill.training.resume import Checkpoints, Phase
from potstill.training.resume.snapshot import from_blobs, put_back, take, to_blobs
from tests.twins import RANGE, twins_of

ROWS = 22  # five batches of four and one of two: a step of two batches, thrice an epoch, and the last is short
PLAIN = TrainingOptions(
    epochs=2, batch_size=4, accumulate=2, patience=0, learning_rate=1e-2, threads=1, dtype="float32"
)
TABLE = from_rows(
    [np.random.default_rng(row).integers(5, 40, 3 + row % 9).astype(np.int32) for row in range(ROWS)],
    np.arange(ROWS) % 2,
)
SHAPE = {"vocab_size": 40, "num_attention_heads": 2, "intermediate_size": 24, "initializer_range": 0.2}


def bert(hidden=16, layers=2):
    return BertForSequenceClassification(BertConfig(**SHAPE, hidden_size=hidden, num_hidden_layers=layers))


def mobilebert():
    inside = {"intra_bottleneck_size": 8, "true_hidden_size": 8, "embedding_size": 8, "hidden_dropout_prob": 0.1}
    return MobileBertForSequenceClassification(MobileBertConfig(**SHAPE, hidden_size=16, num_hidden_layers=1, **inside))


def answers():
    return torch.randn(ROWS, 2, generator=torch.Generator().manual_seed(5))


def tinybert():
    """A student whose objective has projections of its own, trained in the first half of the steps alone."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        teacher = bert(hidden=20)  # it is given, and no part of what is trained
    pair = Pair(bert(), teacher, [0, 1], multi_label=False)
    return pair.student, build_objective(resolve("tinybert"), pair, SimpleNamespace(logits=answers()), 0)


def qat(*, learned):
    """Ranges and scales move in the first half of the steps alone."""
    return twins_of(bert(), learned=learned, smooth=True), FreezingDistillation(answers(), 2.0, 0.5)


KINDS = {
    "plain": (lambda: (bert(), CrossEntropy()), PLAIN),
    "averaged": (lambda: (bert(), CrossEntropy()), replace(PLAIN, ema=0.9, layer_decay=0.8)),
    "projections": (tinybert, PLAIN),
    "following ranges": (lambda: qat(learned=False), PLAIN),
    "learned scales": (lambda: qat(learned=True), replace(PLAIN, ema=0.9, learning_rate=1e-4)),
    "mobilebert": (lambda: (mobilebert(), CrossEntropy()), PLAIN),
}


def score(model):
    """Some number that every epoch changes; higher and lower by turns would be chance."""
    return math.sin(float(model.classifier.weight.detach().double().sum()) * 50)


class EnoughError(Exception):
    """The state that was wanted is there."""


class Tape(Checkpoints, Phase):
    """Keeps the files of every moment at which a state may be kept; begins from those of an earlier one."""

    def __init__(self, begin=None):
        self.begin, self.files, self.snapshots = begin, [], []

    def phase(self, what):  # noqa: ARG002 - there is one
        return self

    def restore(self, state):
        if self.begin is None:
            return False
        snapshot = from_blobs(self.begin)
        put_back(snapshot, state)
        return snapshot.finished

    def tick(self, state):
        self.snapshots.append(take(state, finished=False))
        self.files.append(dict(to_blobs(self.snapshots[-1])))

    def finish(self, state):
        self.files.append(dict(to_blobs(take(state, finished=True))))


def train(kind, options, begin=None, seed=0, evaluate=score, steps=0):
    tape = Tape(begin)
    with reproducible(seed, threads=1):
        model, objective = kind()
        state = fit(model, TABLE, objective, options, evaluate, steps=steps, checkpoints=tape)
    return tape, state


def same(one, other):
    return one.keys() == other.keys() and all(
        each.dtype == other[name].dtype and torch.equal(each, other[name]) for name, each in one.items()
    )


def assert_goes_on_from_everywhere(kind, options, **others):
    """Take up again at each moment, in a process whose random numbers and first weights are others."""
    whole, end = train(kind, options, **others)
    for moment, files in enumerate(whole.files):
        rest, state = train(kind, options, files, seed=99, **others)
        assert rest.files == whole.files[moment + 1 :], f"taken up again after moment {moment}"
        assert same(state.model.state_dict(), end.model.state_dict())
        told = ("epoch", "step", "losses", "scores", "best_epoch", "best_score", "padding_share")
        assert [getattr(state, name) for name in told] == [getattr(end, name) for name in told]
    return whole, end


@pytest.mark.parametrize("name", KINDS)
def test_going_on_from_any_step_is_never_having_stopped(name):
    whole, end = assert_goes_on_from_everywhere(*KINDS[name])
    assert len(whole.files) == 2 * (3 + 1) + 1  # every step, every epoch after it was judged, the end
    assert end.step == 6


ENDS = {
    "patience": (replace(PLAIN, epochs=9, patience=2), {"evaluate": lambda _: 0.5}, 9),
    "steps": (PLAIN, {"steps": 5}, 5),  # the second epoch is cut short
    "steps beyond the epochs": (PLAIN, {"steps": 7}, 7),
    "nothing to do": (replace(PLAIN, epochs=0), {}, 0),
    "no judge": (PLAIN, {"evaluate": None}, 6),
    "one step an epoch": (replace(PLAIN, accumulate=9), {}, 2),
}


@pytest.mark.parametrize("name", ENDS)
def test_going_on_ends_where_it_would_have_ended(name):
    options, others, steps = ENDS[name]
    _, end = assert_goes_on_from_everywhere(lambda: (bert(), CrossEntropy()), options, **others)
    assert end.step == steps


class Caught(Tape):
    """Ends a training at its fifth moment, when there is a best epoch, or at once when it begins from files."""

    state = now = None

    def tick(self, state):
        super().tick(state)
        if len(self.files) == 5:
            self._catch(state)

    def restore(self, state):
        if self.begin is not None:
            super().restore(state)
            self._catch(state)
        return False

    def _catch(self, state):
        self.state, self.now = state, dict(to_blobs(take(state, finished=False)))
        raise EnoughError


def caught(kind, options, begin=None, seed=0, evaluate=score):
    tape = Caught(begin)
    with reproducible(seed, threads=1), suppress(EnoughError):
        model, objective = kind()
        fit(model, TABLE, objective, options, evaluate, checkpoints=tape)
    return tape


@pytest.mark.parametrize("name", KINDS)
def test_a_state_comes_back_as_it_was(name):
    kind, options = KINDS[name]
    before = caught(kind, options)
    after = caught(kind, options, before.files[-1], seed=99)
    one, other = before.state, after.state
    assert after.now == before.files[-1]
    assert same(one.model.state_dict(), other.model.state_dict())
    assert same(one.objective.state_dict(), other.objective.state_dict())
    assert same(one.best_weights, other.best_weights)
    assert one.best_weights
    moments, again = (each.optimizer.state_dict()["state"] for each in (one, other))
    assert moments.keys() == again.keys()
    assert all(same(each, again[index]) for index, each in moments.items())
    settings, again = ([without_parameters(group) for group in each.optimizer.param_groups] for each in (one, other))
    assert settings == again
    assert one.scheduler.state_dict() == other.scheduler.state_dict()
    if one.average:
        assert same(one.average.state_dict(), other.average.state_dict())


def without_parameters(group):
    return {**group, "params": len(group["params"]), "betas": tuple(group["betas"])}


def test_the_kinds_have_what_they_are_here_for():
    states = {name: caught(*KINDS[name]).state for name in KINDS}
    assert float(states["following ranges"].model.classifier.input.high) != RANGE[1]
    assert states["learned scales"].model.classifier.input.step.growth.item() != 0
    assert len(states["projections"].objective.state_dict()) == 3
    assert states["averaged"].average is not None


def small_state(**changed):
    """A state of almost no weights, as the loop makes it."""
    tape = caught(lambda: (bert(2, 1), CrossEntropy()), PLAIN, evaluate=None)
    return replace(tape.state, **changed)


STRANGE = [0.1 + 0.2, 5e-324, -0.0, 1.7976931348623157e308, 1 / 3, math.inf, -math.inf, math.nan]


@pytest.mark.parametrize("best", [-math.inf, math.inf, 0.1 + 0.2, -0.0])
@pytest.mark.parametrize("finished", [True, False])
def test_every_number_comes_back_exactly(best, finished):
    lists = dict.fromkeys(("losses", "scores", "epoch_losses", "norms"), STRANGE)
    counts = {"epoch": 3, "step": 7, "positions": 2**53 - 1, "tokens": 0, "best_epoch": 2}
    state, fresh = small_state(**lists, **counts, best_score=best), small_state()
    put_back(from_blobs(dict(to_blobs(take(state, finished=finished)))), fresh)
    assert {name: getattr(fresh, name) for name in counts} == counts
    for name in (*lists, "best_score"):
        assert_close(getattr(fresh, name), getattr(state, name), rtol=0, atol=0, equal_nan=True)
    assert math.copysign(1, fresh.losses[2]) == -1


@pytest.mark.parametrize("finished", [True, False])
def test_random_numbers_go_on(finished):
    """After a training that had ended, too: what the stage draws next (projections) must be the same."""
    with torch.random.fork_rng():
        snapshot = take(small_state(), finished=finished)
        drawn = torch.rand(9)
        state = small_state()
        torch.manual_seed(99)
        put_back(snapshot, state)
        assert torch.equal(torch.rand(9), drawn)


def test_lists_of_a_state_that_was_put_back_grow_alone():
    snapshot = take(small_state(losses=[1.0]), finished=False)
    one, other = small_state(), small_state()
    put_back(snapshot, one)
    put_back(snapshot, other)
    one.losses.append(2.0)
    assert other.losses == [1.0]


@pytest.mark.parametrize("name", KINDS)
def test_a_snapshot_stays_what_it_was_while_training_goes_on(name):
    kind, options = KINDS[name]
    tape, _ = train(kind, options)
    assert [dict(to_blobs(each)) for each in tape.snapshots] == tape.files[:-1]


@pytest.mark.parametrize("finished", [True, False])
def test_files_are_safetensors_and_strict_json(finished):
    blobs = dict(to_blobs(take(small_state(losses=STRANGE, best_score=-math.inf), finished=finished)))
    for name, data in blobs.items():
        if name == "state.json":
            json.loads(data, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))
        else:
            assert name.endswith(".safetensors")
            length = struct.unpack("<Q", data[:8])[0]
            assert json.loads(data[8 : 8 + length])
    assert {"model.safetensors", "state.json"} <= blobs.keys()


UNPICKLED = []
LISTENING = [False]


def _listen(event, arguments):
    if LISTENING[0] and event == "pickle.find_class":
        UNPICKLED.append(arguments)


def test_nothing_is_unpickled():
    sys.addaudithook(_listen)  # it can never be taken away again, so it listens here alone
    tape, _ = train(*KINDS["averaged"])
    LISTENING[0] = True
    try:
        train(*KINDS["averaged"], begin=tape.files[4])
    finally:
        LISTENING[0] = False
    assert UNPICKLED == []
