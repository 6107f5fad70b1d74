"""Movement is a training spelled out step by step; it survives kills, and all processes weigh alike."""

import math
import sys
from hashlib import sha256

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close
from transformers import BertConfig, BertForSequenceClassification

from potstill import processes
from potstill.data.batches import groups_of, pad, shuffled
from potstill.data.tokens import NO_LABEL, from_rows
from potstill.errors import InputError
from potstill.prune.importance import NAMES, hidden_importance, importance_of, layer_importance
from potstill.prune.structure import attentions, feed_forwards
from potstill.training.cross_entropy import CrossEntropy
from potstill.training.loop import fit
from potstill.training.options import TrainingOptions
from potstill.training.resume import Checkpoints, Phase
from potstill.training.resume.snapshot import from_blobs, put_back, take, to_blobs
from tests.stage_process import run_group

OPTIONS = TrainingOptions(
    batch_size=4, accumulate=2, learning_rate=1e-2, max_grad_norm=0.5, threads=1, dtype="float32", epochs=7, ema=0.9
)
ROWS = 22  # five batches of four and one of two, in three steps
TABLE = from_rows(
    [np.random.default_rng(row).integers(5, 40, 3 + row % 9).astype(np.int32) for row in range(ROWS)],
    np.array([NO_LABEL if row in (3, 11) else row % 2 for row in range(ROWS)]),
)


def bert(dropout=0.1):
    torch.manual_seed(0)
    shape = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4}
    shape |= {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout, "initializer_range": 0.2}
    return BertForSequenceClassification(BertConfig(**shape, intermediate_size=12)).eval()


def movement(model, checkpoints=None, seed=5):
    given = checkpoints or Checkpoints()
    heads, neurons = importance_of("movement", model, TABLE, CrossEntropy, OPTIONS, given, seed, "importance, round 1")
    return heads + neurons


# ------------------------------------------------------------------------------------------------ step by step


def sums_of_a_unit(model):
    """Σ w·∂L/∂w of every unit, from the weights and gradients that the model has now."""
    told = []
    for each in attentions(model):
        for head in range(each.heads):
            part = slice(head * each.head_size, (head + 1) * each.head_size)
            owned = [(of, part) for linear in (each.query, each.key, each.value) for of in (linear.weight, linear.bias)]
            owned.append((each.output.weight, (slice(None), part)))
            told.append(sum(float((of.data[where] * of.grad[where]).sum()) for of, where in owned))
    for each in feed_forwards(model):
        for unit in range(each.first.out_features):
            owned = [(each.first.weight, unit), (each.first.bias, unit), (each.second.weight, (slice(None), unit))]
            told.append(sum(float((of.data[where] * of.grad[where]).sum()) for of, where in owned))
    return torch.tensor(told)


def slow_movement(model, seed):
    """One epoch as any textbook trains, with the scores counted before each step."""
    model.train()
    decayed = [each for each in model.parameters() if each.ndim > 1]
    others = [each for each in model.parameters() if each.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}], lr=1e-2
    )
    steps, scores = groups_of(shuffled(TABLE, 4, seed, 0), 2), 0.0
    for step, batches in enumerate(steps):
        rows = np.concatenate(batches)
        padded = pad(TABLE, rows)
        ids, mask = torch.from_numpy(padded.input_ids), torch.from_numpy(padded.attention_mask)
        optimizer.zero_grad()
        logits = model(input_ids=ids, attention_mask=mask).logits
        nn.functional.cross_entropy(logits, torch.from_numpy(padded.labels), ignore_index=NO_LABEL).backward()
        scores = scores - sums_of_a_unit(model)
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * min(step + 1, (len(steps) - step) / (len(steps) - 1))  # the warm-up is one step
        optimizer.step()
    return torch.split(scores, [4, 4, 12, 12])


def test_movement_is_a_training_spelled_out():
    assert math.ceil(math.ceil(ROWS / 4) / 2) == 3
    found, slow = movement(bert(dropout=0.0)), slow_movement(bert(dropout=0.0), seed=5)
    for one, other in zip(found, slow, strict=True):
        assert_close(one, other / other.norm(), rtol=1e-3, atol=1e-4)
        assert one.min() < 0 < one.max()


def test_rows_come_in_the_order_of_the_seed():
    model = bert()
    assert not torch.equal(movement(model, seed=1)[0], movement(model, seed=2)[0])


# ------------------------------------------------------------------------------------------------ kill and resume


class Tape(Checkpoints, Phase):
    """Keeps the files of every moment at which a state may be kept; begins from those of an earlier one."""

    def __init__(self, begin=None):
        self.begin, self.files, self.names = begin, [], []

    def phase(self, what):
        self.names.append(what)
        return self

    def restore(self, state):
        if self.begin is None:
            return False
        put_back(from_blobs(self.begin), state)
        return from_blobs(self.begin).finished

    def tick(self, state):
        self.files.append(dict(to_blobs(take(state, finished=False))))

    def finish(self, state):
        self.files.append(dict(to_blobs(take(state, finished=True))))


def test_a_killed_movement_goes_on_from_every_step_and_from_its_end():
    tape = Tape()
    whole = movement(bert(), tape)
    assert tape.names == ["importance, round 1"]
    assert len(tape.files) == 3 + 1 + 1  # steps, the epoch's end, the training's
    for moment, files in enumerate(tape.files):
        rest = Tape(files)
        torch.manual_seed(99)
        again = movement(bert(), rest)
        assert all(torch.equal(one, other) for one, other in zip(whole, again, strict=True)), moment
        assert rest.files == tape.files[moment + 1 :]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "movement"])
def test_what_does_not_train_begins_no_phase(name):
    tape = Tape()
    importance_of(name, bert(), TABLE, CrossEntropy, OPTIONS, tape, 0, "importance")
    assert (tape.names, tape.files) == ([], [])


# --------------------------------------------------------------------------------------------------- the hook


class Watching(CrossEntropy):
    def __init__(self, break_at=0):
        super().__init__()
        self.seen, self.break_at = [], break_at

    def forward(self, model, batch):
        loss = super().forward(model, batch)
        return loss * float("nan") if len(self.seen) + 1 == self.break_at else loss

    def observe(self, model):
        self.seen.append((model.classifier.weight.detach().clone(), model.classifier.weight.grad.clone()))


def test_an_objective_sees_each_step_before_it_is_taken():
    model, objective = bert(dropout=0.0), Watching()
    first = model.classifier.weight.detach().clone()
    state = fit(model, TABLE, objective, OPTIONS, None)
    assert len(objective.seen) == state.step == 21
    (weight, gradient), (second, _), *_ = objective.seen
    assert torch.equal(weight, first)
    assert not torch.equal(second, first)
    rows = np.concatenate(groups_of(shuffled(TABLE, 4, 0, 0), 2)[0])
    batch, again = pad(TABLE, rows), bert(dropout=0.0)
    logits = again(
        input_ids=torch.from_numpy(batch.input_ids), attention_mask=torch.from_numpy(batch.attention_mask)
    ).logits
    nn.functional.cross_entropy(logits, torch.from_numpy(batch.labels), ignore_index=NO_LABEL).backward()
    assert_close(gradient, again.classifier.weight.grad)  # of all batches of the step, and not clipped


def test_a_step_that_diverges_is_not_seen():
    objective = Watching(break_at=3)
    with pytest.raises(InputError, match="loss became nan at step 3"):
        fit(bert(), TABLE, objective, OPTIONS, None)
    assert len(objective.seen) == 2


# ---------------------------------------------------------------------------------------------- several processes


def every_importance():
    """All measures of heads and neurons, of layers and of hidden channels, by name."""
    found = {}
    for name in NAMES:
        heads, neurons = importance_of(name, bert(), TABLE, CrossEntropy, OPTIONS, Checkpoints(), 5, "importance")
        found[name] = torch.cat(heads + neurons)
    found["layers"] = layer_importance(bert(), TABLE, CrossEntropy(), OPTIONS)
    found["hidden"] = hidden_importance(bert(), TABLE, CrossEntropy(), OPTIONS)
    return found


def tells_every_importance():
    """In each process: what is printed must be the same in all, and near what one process alone finds."""
    torch.set_num_threads(1)
    alone = every_importance()
    with processes.joined():
        found = every_importance()
    for name, each in found.items():
        assert_close(each, alone[name], rtol=1e-3, atol=1e-5)
        sys.stdout.write(f"{name} {sha256(each.numpy().tobytes()).hexdigest()}\n")


@pytest.mark.parametrize("count", [2, 3, 7])  # of seven processes one has no batch
def test_all_processes_weigh_alike_and_as_one_does(tmp_path, count):
    told = run_group(tmp_path / "log", count, tells_every_importance)
    assert [code for code, _ in told] == [0] * count, told
    assert {text.count("\n") for _, text in told} == {len(NAMES) + 2}
    assert len({text for _, text in told}) == 1
