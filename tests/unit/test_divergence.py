"""Training that goes wrong ends at the step where it does, and the state before that step is kept and good."""

import math

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from potstill.data.tokens import from_rows
from potstill.errors import InputError
from potstill.qat.objective import FreezingDistillation
from potstill.training.cross_entropy import CrossEntropy
from potstill.training.divergence import REMEMBERED, why_diverged
from potstill.training.loop import fit
from potstill.training.options import TrainingOptions
from potstill.training.resume.checkpoints import KeptCheckpoints
from potstill.training.resume.commits import Commits
from potstill.training.resume.saver import Saver
from tests.memory_place import Memory
from tests.twins import twins_of

ROWS = 24
TABLE = from_rows([np.arange(5, 8 + row % 5, dtype=np.int32) for row in range(ROWS)], np.arange(ROWS) % 2)
SHAPE = {"vocab_size": 40, "hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1}
OPTIONS = TrainingOptions(epochs=2, batch_size=4, learning_rate=1e-3, threads=1, dtype="float32", patience=0)
MANY = TrainingOptions(epochs=14, batch_size=4, learning_rate=1e-3, threads=1, dtype="float32", patience=0)
HARM = {
    "nan": lambda _, loss: loss * math.nan,
    "inf": lambda _, loss: loss + math.inf,
    "gradient": lambda model, loss: loss + (model.classifier.bias - model.classifier.bias.detach()).sum() * 3e38 * 10,
}


def harmed(objective, at, harm):
    """Let an objective go wrong in one step, counted from 1, once."""
    forward, begun = objective.forward, []

    def patched(model, batch):
        begun.append(1)
        loss = forward(model, batch)
        return harm(model, loss) if len(begun) == at else loss

    objective.forward = patched
    return objective


def bert(objective=None):
    return BertForSequenceClassification(BertConfig(**SHAPE, intermediate_size=24)), objective or CrossEntropy()


def following():
    answers = torch.randn(ROWS, 2, generator=torch.Generator().manual_seed(5))
    return twins_of(bert()[0], learned=False), FreezingDistillation(answers, 2.0, 0.0)


def train(kind, store=None, at=0, harm=None, options=OPTIONS, seconds=1e9):
    torch.manual_seed(0)
    model, objective = kind()
    saver = Saver(seconds)
    checkpoints = KeptCheckpoints(store, "stage/digits", "work", saver) if store else None
    try:
        fit(model, TABLE, harmed(objective, at, harm), options, None, "teacher", checkpoints=checkpoints)
    finally:
        saver.close()
    return model.state_dict()


def equal(one, other):
    return all(torch.equal(each, other[name]) for name, each in one.items())


@pytest.mark.parametrize("kind", [bert, following])
@pytest.mark.parametrize("harm", HARM)
def test_the_state_before_the_step_is_kept_and_good(kind, harm, capsys):
    undisturbed, store = train(kind), Memory()
    with pytest.raises(InputError) as told:
        train(kind, store, at=5, harm=HARM[harm])
    name = "00000004-0000"
    what = {"nan": "loss became nan", "inf": "loss became inf", "gradient": "gradient became (inf|nan)"}[harm]
    told.match(
        rf"^the {what} at step 5; the state before it is kept at memory://place/stage/digits/01-teacher/{name}; "
        r"lower learning_rate \(0\.001\) or set dtype to float32$"
    )
    assert next(Commits(store, "stage/digits/01-teacher", "work").whole())[0] == name
    # It was a cosmic ray, say: what follows is as if it had not been.
    assert equal(train(kind, store), undisturbed)
    assert capsys.readouterr().err.count("taken up again") == 1


def test_the_first_step_may_be_the_one(capsys):
    store = Memory()
    with pytest.raises(InputError, match=r"at step 1; the state before it is kept at .*/00000000-0000;"):
        train(bert, store, at=1, harm=HARM["nan"])
    assert equal(train(bert, store), train(bert))


def test_what_is_kept_nowhere_is_not_said_to_be():
    with pytest.raises(InputError, match=r"^the loss became nan at step 5; lower learning_rate"):
        train(bert, None, at=5, harm=HARM["nan"])


def test_a_store_that_refuses_is_not_said_to_hold_it(capsys):
    store = Memory()
    store.left = 0
    with pytest.raises(InputError, match=r"^the loss became nan at step 5; lower learning_rate"):
        train(bert, store, at=5, harm=HARM["nan"])
    assert "was not kept: the store is full" in capsys.readouterr().err


def by(factor):
    return lambda _, loss: loss + (factor - 1) * (loss - loss.detach())  # the gradient alone


def test_an_explosion_is_seen_when_there_is_something_to_compare_with():
    store = Memory()
    with pytest.raises(InputError, match=r"^the gradient exploded: its norm is .*, and was .* of late, at step 70; "):
        train(bert, store, at=70, harm=by(1e5), options=MANY)
    assert next(Commits(store, "stage/digits/01-teacher", "work").whole())[0].startswith("00000069")
    assert equal(train(bert, store, options=MANY), train(bert, options=MANY))


def test_a_first_step_that_is_large_is_none():
    train(bert, at=5, harm=by(1e5), options=MANY)


def test_gradients_that_are_large_throughout_are_none():
    class Large(CrossEntropy):
        def forward(self, model, batch):
            return super().forward(model, batch) * 1e6

    train(lambda: bert(Large()), options=MANY)


@pytest.mark.parametrize(
    ("loss", "norm", "before", "limit", "why"),
    [
        (1.0, 1.0, [], 1.0, ""),
        (math.nan, 1.0, [], 1.0, "the loss became nan"),
        (-math.inf, 1.0, [], 1.0, "the loss became -inf"),
        (1.0, math.nan, [], 1.0, "the gradient became nan"),
        (1.0, 1e30, [1.0] * (REMEMBERED - 1), 1.0, ""),
        (1.0, 1001.0, [1.0] * REMEMBERED, 1.0, "the gradient exploded: its norm is 1e+03, and was 1 of late,"),
        (1.0, 999.0, [1.0] * REMEMBERED, 1.0, ""),
        (1.0, 1e30, [1e28] * REMEMBERED, 1.0, ""),  # large throughout
        (1.0, 5.0, [1e-6] * REMEMBERED, 1.0, ""),  # a thousand times what it was, and still small
        (1.0, 5.0, [0.0] * REMEMBERED, 1.0, ""),
        (1.0, 1e6, [1.0] * 40 + [1e5] * (REMEMBERED - 40), 1.0, "the gradient exploded"),  # a few were large before
        (1.0, 5000.0, [1.0] * REMEMBERED, 10.0, ""),  # it is clipped to 10
    ],
)
def test_what_is_divergence(loss, norm, before, limit, why):
    found = why_diverged(loss, norm, before, TrainingOptions(max_grad_norm=limit))
    assert found.startswith(why) if why else found == ""
