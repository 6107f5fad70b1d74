"""The mathematics of training, distillation and pruning against slow, obvious references."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from potstill.data.batches import by_length, pad, shuffled
from potstill.data.tokens import TEST, from_rows, read_split
from potstill.encoder.checkpoint import load_classifier
from potstill.encoder.layer_map import layer_map
from potstill.errors import InputError, OptionError
from potstill.prune.importance import taylor_importance
from potstill.prune.selection import cubic, select
from potstill.prune.surgery import cut
from potstill.training.cross_entropy import CrossEntropy
from potstill.training.loop import fit
from potstill.training.objective import to_inputs
from potstill.training.options import TrainingOptions


def random_table(rows=50, seed=0):
    dice = np.random.default_rng(seed)
    made = [dice.integers(5, 40, dice.integers(3, 12)).astype(np.int32) for _ in range(rows)]
    return from_rows(made, dice.integers(0, 2, rows))


# ------------------------------------------------------------------------------------------------- batches


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(1, 200), size=st.integers(1, 40), seed=st.integers(0, 5), epoch=st.integers(0, 3))
def test_an_epoch_holds_every_row_once(rows, size, seed, epoch):
    batches = shuffled(random_table(rows), size, seed, epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(rows))
    assert max(len(batch) for batch in batches) <= size


def test_epochs_differ_and_can_be_made_again():
    table = random_table()
    first, again, second = (np.concatenate(shuffled(table, 8, 1, epoch)).tolist() for epoch in (0, 0, 1))
    assert first == again != second


def test_padding_keeps_every_token_and_nothing_else():
    table = random_table()
    for rows in by_length(table, 7):
        batch = pad(table, rows)
        assert batch.input_ids.shape[1] == table.lengths[rows].max()
        for place, row in enumerate(rows):
            length = table.lengths[row]
            assert batch.input_ids[place, :length].tolist() == table.row(row).tolist()
            assert batch.attention_mask[place].tolist() == [1] * length + [0] * (batch.input_ids.shape[1] - length)


# ---------------------------------------------------------------------------------------------------- loop


def test_a_loss_that_is_no_number_ends_with_the_way_out(tiny_checkpoint):
    class Broken(CrossEntropy):
        def forward(self, model, batch):
            return super().forward(model, batch) * float("nan")

    options = TrainingOptions(threads=1, dtype="float32")
    with pytest.raises(InputError, match="loss became nan at step 1; lower learning_rate"):
        fit(load_classifier(tiny_checkpoint), random_table(), Broken(), options, lambda _: 0.0)


def test_the_best_epoch_is_kept_and_patience_ends_training(tiny_checkpoint):
    scores, kept = iter([0.5, 0.9, 0.7, 0.6, 0.8]), []

    def judge(model):
        kept.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        return next(scores)

    model = load_classifier(tiny_checkpoint)
    options = TrainingOptions(epochs=5, patience=2, threads=1, dtype="float32")
    state = fit(model, random_table(), CrossEntropy(), options, judge)
    assert (state.epoch, state.best_epoch) == (4, 2)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, kept[1][name])


def test_steps_may_be_given_instead_of_epochs(tiny_checkpoint):
    options = TrainingOptions(batch_size=16, patience=0, threads=1, dtype="float32")
    state = fit(load_classifier(tiny_checkpoint), random_table(), CrossEntropy(), options, lambda _: 0.0, steps=6)
    assert (state.step, state.epoch) == (6, 2)


# ----------------------------------------------------------------------------------------------- layer map


@pytest.mark.parametrize(
    ("wanted", "student", "teacher", "layers"),
    [
        ("uniform", 2, 4, [1, 3]),
        ("uniform", 4, 12, [2, 5, 8, 11]),
        ("uniform", 6, 4, [0, 0, 1, 2, 2, 3]),
        ("first", 2, 4, [0, 1]),
        ("last", 2, 4, [2, 3]),
        ("0,3", 2, 4, [0, 3]),
    ],
)
def test_layer_map(wanted, student, teacher, layers):
    assert layer_map(wanted, student, teacher) == layers


@pytest.mark.parametrize("wanted", ["0", "0,4", "a,b", "", "middle", "0,1,2"])
def test_a_layer_map_that_does_not_fit_is_refused(wanted):
    with pytest.raises(OptionError, match="layer_map must be"):
        layer_map(wanted, 2, 4)


# ------------------------------------------------------------------------------------------------- pruning


def test_importance_is_the_taylor_term_spelled_out(tiny_checkpoint, tiny_tokens):
    model, table = load_classifier(tiny_checkpoint), read_split(tiny_tokens, TEST)
    batches = [to_inputs(pad(table, rows), torch.device("cpu")) for rows in by_length(table, 16)]
    heads, neurons = taylor_importance(model, batches, CrossEntropy())
    slow = torch.zeros(2, 4)
    for batch in batches:
        model.zero_grad()
        CrossEntropy()(model, batch).backward()
        for layer in range(2):
            linear = model.bert.encoder.layer[layer].attention.output.dense
            for head in range(4):
                part = slice(head * 8, head * 8 + 8)
                slow[layer, head] += (linear.weight[:, part] * linear.weight.grad[:, part]).sum().abs().item()
    assert_close(torch.stack(heads), slow / slow.norm(dim=1, keepdim=True), rtol=1e-4, atol=1e-5)
    assert [len(each) for each in neurons] == [64, 64]


def test_cutting_equals_silencing(tiny_checkpoint, tiny_tokens):
    """A model without a head or a neuron computes what the whole one does when that head or neuron says nothing."""
    whole, table = load_classifier(tiny_checkpoint), read_split(tiny_tokens, TEST)
    heads, neurons = [torch.tensor([0, 2, 3]), torch.tensor([1])], [torch.arange(0, 64, 2), torch.arange(5)]
    smaller = cut(whole, heads, neurons)
    for layer, (kept_heads, kept_neurons) in enumerate(zip(heads, neurons, strict=True)):
        block = whole.bert.encoder.layer[layer]
        silent = torch.ones(4, 8)
        silent[kept_heads] = 0
        block.attention.output.dense.weight.data[:, silent.reshape(-1).bool()] = 0
        mute = torch.ones(64)
        mute[kept_neurons] = 0
        block.output.dense.weight.data[:, mute.bool()] = 0
    ids = torch.from_numpy(pad(table, np.arange(8)).input_ids)
    assert_close(smaller(input_ids=ids).logits, whole(input_ids=ids).logits, rtol=1e-4, atol=1e-5)


def test_whole_heads_and_one_ffn_width_give_a_stock_bert(tiny_checkpoint):
    smaller = cut(load_classifier(tiny_checkpoint), [torch.arange(4)] * 2, [torch.arange(32)] * 2)
    assert (smaller.config.model_type, smaller.config.intermediate_size) == ("bert", 32)


@settings(max_examples=50, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    share=st.floats(0, 1),
    multiple=st.integers(1, 4),
    seed=st.integers(0, 9),
)
def test_no_layer_is_emptied_and_the_best_stay(sizes, share, multiple, seed):
    torch.manual_seed(seed)
    importance = [torch.rand(size) for size in sizes]
    kept = select(importance, round(share * sum(sizes)), multiple)
    for each, scores in zip(kept, importance, strict=True):
        assert len(each) >= 1
        assert each.tolist() == sorted(each.tolist())
        lost = [score for index, score in enumerate(scores.tolist()) if index not in each.tolist()]
        assert not lost or max(lost) <= scores[each].min().item()


def test_the_schedule_is_fast_at_first_and_ends_at_the_target():
    shares = [cubic(number, 4, 0.8) for number in range(1, 5)]
    steps = np.diff([0.0, *shares])
    assert shares[-1] == pytest.approx(0.8)
    assert (np.diff(steps) < 0).all()
