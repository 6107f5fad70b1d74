"""What makes a training step fast changes nothing else; accumulation, layer decay, averaging, class weights."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from potstill.artifacts import CHECKPOINT, expect
from potstill.data.batches import pad, shuffled
from potstill.data.tokens import NO_LABEL, from_rows
from potstill.encoder.checkpoint import load_classifier
from potstill.errors import InputError
from potstill.teacher_train import TeacherTrainConfig, train_teacher
from potstill.training.averaging import averaged
from potstill.training.cross_entropy import CrossEntropy, balanced_weights
from potstill.training.device import reproducible
from potstill.training.dropout import FastDropout
from potstill.training.first_token import last_layer_for_first_token
from potstill.training.loop import fit
from potstill.training.objective import to_inputs
from potstill.training.optimizer import clipped_step, gradient_norm, learning_rates, make_optimizer
from potstill.training.options import TrainingOptions
from tests.twins import twins_of

CPU = torch.device("cpu")
FAST = {"threads": 1, "dtype": "float32", "patience": 0}


def random_table(rows=48, seed=0):
    dice = np.random.default_rng(seed)
    made = [dice.integers(5, 40, dice.integers(3, 12)).astype(np.int32) for _ in range(rows)]
    return from_rows(made, dice.integers(0, 2, rows))


def batch_of(rows=8):
    table = random_table()
    return to_inputs(pad(table, np.arange(rows)), CPU)


def without_dropout(model):
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if hasattr(module, "dropout_prob"):
            module.dropout_prob = 0.0
    return model


def tiny(family):
    from transformers import AutoModelForSequenceClassification as Classifier
    from transformers import BertConfig, DistilBertConfig, ElectraConfig, RobertaConfig

    torch.manual_seed(0)
    shape = {"vocab_size": 40, "hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2}
    shape |= {"intermediate_size": 64, "initializer_range": 0.2}
    configs = {
        "bert": lambda: BertConfig(**shape),
        "electra": lambda: ElectraConfig(**shape, embedding_size=16),
        "roberta": lambda: RobertaConfig(**shape, pad_token_id=0),
        "distilbert": lambda: DistilBertConfig(vocab_size=40, dim=32, n_heads=4, n_layers=2, hidden_dim=64),
    }
    return Classifier.from_config(configs[family]())


# ------------------------------------------------------------------------------------------------- dropout


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("p", [0.1, 0.5])
def test_dropout_keeps_the_share_and_the_mean(dtype, p):
    with FastDropout([0]):
        dropped = nn.functional.dropout(torch.ones(400, 500, dtype=dtype), p, training=True)
    kept = (dropped != 0).double()
    assert kept.mean().item() == pytest.approx(1 - p, abs=4 * math.sqrt(p * (1 - p) / kept.numel()))
    assert dropped.unique().tolist() == pytest.approx([0, 1 / (1 - p)], rel=2**-8)
    # Neighbours, in either direction, are dropped independently of each other.
    for one, other in ((kept[:, :-1], kept[:, 1:]), (kept[:-1], kept[1:])):
        assert abs(np.corrcoef(one.flatten(), other.flatten())[0, 1]) < 0.01


def test_dropout_is_a_function_of_its_seed():
    def drop(*seed):
        with FastDropout(seed):
            return nn.functional.dropout(torch.ones(1000), 0.3)

    torch.manual_seed(0)
    first = drop(1, 2)
    torch.manual_seed(9)
    assert torch.equal(first, drop(1, 2))
    assert not torch.equal(first, drop(1, 3))


def test_dropout_passes_its_gradient_where_it_passes_its_value():
    rows = torch.randn(50, requires_grad=True)
    with FastDropout([0]):
        dropped = nn.functional.dropout(rows, 0.5)
    dropped.sum().backward()
    assert_close(rows.grad * rows, dropped)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_dropping_nothing_or_all_is_left_to_pytorch(p):
    with FastDropout([0]):
        assert_close(nn.functional.dropout(torch.ones(9), p), torch.full((9,), 1 - p))
        assert_close(nn.functional.dropout(torch.ones(9), 0.5, training=False), torch.ones(9))


def test_attention_drops_shares_and_is_else_pytorchs():
    query, key, value = (torch.randn(2, 4, 6, 8) for _ in range(3))
    mask = torch.zeros(2, 1, 6, 6)
    mask[1, :, :, 4:] = torch.finfo(torch.float32).min
    attend = nn.functional.scaled_dot_product_attention
    with FastDropout([0]):
        nearly = attend(query, key, value, mask, dropout_p=1e-9)
        dropped = attend(query, key, torch.eye(8)[:6].expand(2, 4, 6, 8), mask, dropout_p=0.5)
    assert_close(nearly, attend(query, key, value, mask))
    shares = (query @ key.mT / math.sqrt(8) + mask).softmax(-1)
    kept = dropped[..., :6] != 0
    assert_close(dropped[..., :6], torch.where(kept, 2 * shares, 0.0))
    assert 0.3 < kept[0].float().mean() < 0.7


# ----------------------------------------------------------------------------------- the last layer's tokens


@pytest.mark.parametrize("family", ["bert", "electra", "roberta", "distilbert"])
def test_one_token_of_the_last_layer_gives_the_same_logits_and_gradients(family):
    whole = without_dropout(tiny(family)).train()
    less, batch = copy.deepcopy(whole), batch_of()
    CrossEntropy()(whole, batch).backward()
    with last_layer_for_first_token(less):
        CrossEntropy()(less, batch).backward()
    for (name, one), other in zip(whole.named_parameters(), less.parameters(), strict=True):
        if one.grad is not None:
            assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-6, msg=name)


def test_the_last_layer_computes_one_token_unless_states_are_asked_for():
    model, batch, seen = tiny("bert"), batch_of(), []
    model.bert.encoder.layer[-1].output.register_forward_hook(lambda _, __, output: seen.append(output.shape[1]))
    asked = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
    with last_layer_for_first_token(model):
        model(**asked)
        states = model(**asked, output_hidden_states=True).hidden_states
    model(**asked)
    assert seen == [1, batch.input_ids.shape[1], batch.input_ids.shape[1]]
    assert states[-1].shape == states[0].shape


def test_fake_quantisation_sees_every_token(tiny_checkpoint):
    model, batch, seen = twins_of(load_classifier(tiny_checkpoint), learned=False), batch_of(), []
    model.bert.encoder.layer[-1].output.register_forward_hook(lambda _, __, output: seen.append(output.shape[1]))
    with last_layer_for_first_token(model):
        model(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
    assert seen == [batch.input_ids.shape[1]]


# ------------------------------------------------------------------------------------------------ optimiser


@pytest.mark.parametrize("limit", [1e-3, 1e6])
def test_a_clipped_step_is_clip_grad_norm_and_a_step(limit):
    torch.manual_seed(0)
    one = nn.Linear(7, 3)
    other = copy.deepcopy(one)
    optimizer = torch.optim.AdamW(one.parameters(), lr=0.1, fused=True)
    slow = torch.optim.AdamW(other.parameters(), lr=0.1)
    for _ in range(3):
        rows = torch.randn(5, 7)
        for model, each in ((one, optimizer), (other, slow)):
            each.zero_grad()
            model(rows).square().sum().backward()
        clipped_step(optimizer, gradient_norm(optimizer), limit)
        nn.utils.clip_grad_norm_(other.parameters(), limit)
        slow.step()
    assert_close(dict(one.named_parameters()), dict(other.named_parameters()))


def test_layers_learn_slower_the_lower_they_are():
    names = ["bert.embeddings.word_embeddings.weight", "bert.encoder.layer.0.output.dense.weight"]
    names += ["bert.encoder.layer.1.output.dense.weight", "bert.pooler.dense.weight", "classifier.bias"]
    assert list(learning_rates(names, 0.5).values()) == [0.25, 0.5, 1, 1, 1]


def test_every_parameter_is_in_one_group_with_its_rate_and_decay(tiny_checkpoint):
    model = load_classifier(tiny_checkpoint)
    optimizer = make_optimizer(model, CrossEntropy(), TrainingOptions(layer_decay=0.5, learning_rate=0.8))
    found = {id(p): (group["lr"], group["weight_decay"]) for group in optimizer.param_groups for p in group["params"]}
    assert len(found) == sum(len(group["params"]) for group in optimizer.param_groups) == len(list(model.parameters()))
    layer = model.bert.encoder.layer
    assert found[id(layer[0].output.dense.weight)] == (0.4, 0.01)
    assert found[id(layer[1].output.dense.bias)] == (0.8, 0.0)
    assert found[id(model.bert.embeddings.word_embeddings.weight)] == (0.2, 0.01)


# ------------------------------------------------------------------------------------------------- the loop


def test_accumulated_batches_are_one_big_batch(tiny_checkpoint):
    def trained(**how):
        model = without_dropout(load_classifier(tiny_checkpoint))
        options = TrainingOptions(epochs=1, learning_rate=1e-3, **how, **FAST)
        # 44 rows: the last of the small batches is not full.
        return fit(model, random_table(44), CrossEntropy(weights=torch.tensor([0.5, 2])), options, None), model

    (small, one), (big, other) = trained(batch_size=8, accumulate=6), trained(batch_size=48)
    assert small.step == big.step == 1
    assert small.losses == pytest.approx(big.losses)
    for (name, ours), theirs in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        assert_close(ours, theirs, rtol=1e-3, atol=1e-4, msg=name)


def test_steps_count_groups_of_batches(tiny_checkpoint):
    options = TrainingOptions(epochs=2, batch_size=8, accumulate=4, **FAST)
    state = fit(load_classifier(tiny_checkpoint), random_table(50), CrossEntropy(), options, None)
    assert (state.step, state.epoch) == (2 * math.ceil(7 / 4), 2)


def test_the_average_of_the_weights_is_judged_and_kept(tiny_checkpoint):
    judged = []

    def judge(model):
        judged.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        return float(len(judged))

    model = load_classifier(tiny_checkpoint)
    state = fit(model, random_table(), CrossEntropy(), TrainingOptions(epochs=2, ema=0.9, **FAST), judge)
    assert all(torch.equal(tensor, judged[1][name]) for name, tensor in model.state_dict().items())
    assert all(torch.equal(tensor, judged[1][name]) for name, tensor in state.average.module.state_dict().items())


def test_the_average_follows_its_formula():
    torch.manual_seed(0)
    model = nn.Linear(2, 1)
    average, slow = averaged(model, 0.5), model.weight.detach().clone()
    for step in range(8):
        with torch.no_grad():
            model.weight.add_(1.0)
        average.update_parameters(model)
        kept = min(0.5, (1 + step) / (10 + step)) if step else 0.0
        slow = kept * slow + (1 - kept) * model.weight.detach()
    assert_close(average.module.weight.detach(), slow)


def test_padding_is_counted(tiny_checkpoint):
    table, options = random_table(), TrainingOptions(epochs=1, batch_size=8, **FAST)
    state = fit(load_classifier(tiny_checkpoint), table, CrossEntropy(), options, None)
    computed = sum(len(rows) * table.lengths[rows].max() for rows in shuffled(table, 8, 0, 0))
    assert state.padding_share == pytest.approx(1 - table.lengths.sum() / computed)


def test_a_gradient_that_is_no_number_ends_with_the_way_out(tiny_checkpoint):
    class Steep(CrossEntropy):
        def forward(self, model, batch):
            loss = super().forward(model, batch)
            return loss + torch.sqrt(loss - loss.detach())  # 0, and its derivative is infinite

    with pytest.raises(InputError, match=r"the gradient became (nan|inf) at step 1; lower learning_rate"):
        fit(load_classifier(tiny_checkpoint), random_table(), Steep(), TrainingOptions(**FAST), lambda _: 0.0)


def test_reproducible_gives_back_what_it_changed():
    settings = torch.utils.deterministic
    before = (settings.fill_uninitialized_memory, torch.are_deterministic_algorithms_enabled())
    with reproducible(0, 1):
        assert (settings.fill_uninitialized_memory, torch.are_deterministic_algorithms_enabled()) == (False, True)
    assert (settings.fill_uninitialized_memory, torch.are_deterministic_algorithms_enabled()) == before


# ------------------------------------------------------------------------------------------- class weights


def test_balanced_weights_are_scikit_learns():
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.array([0, 0, 0, 2, 2, 1])
    table = from_rows([np.array([5], np.int32)] * 6, labels)
    slow = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    assert_close(balanced_weights(table, 4), torch.tensor([*slow, 0.0]).float())


def test_cross_entropy_counts_labelled_rows_by_weight_and_smooths():
    class Answers(nn.Module):
        def forward(self, **_):
            from transformers.modeling_outputs import SequenceClassifierOutput

            return SequenceClassifierOutput(logits=logits)

    logits, weights = torch.randn(4, 3), torch.tensor([0.5, 1.0, 2.0])
    batch = batch_of(4)
    object.__setattr__(batch, "labels", torch.tensor([0, NO_LABEL, 2, 1]))
    slow = 0.0
    for row, label in ((0, 0), (2, 2), (3, 1)):
        target = torch.full((3,), 0.1 / 3)
        target[label] += 0.9
        slow -= (weights * target * logits[row].log_softmax(0)).sum() / 3
    assert_close(CrossEntropy(0.1, weights)(Answers(), batch), slow)


def test_a_teacher_with_every_option_is_the_same_bytes_twice(tmp_path, tiny_tokens, tiny_checkpoint):
    config = TeacherTrainConfig(
        epochs=2, batch_size=8, accumulate=2, layer_decay=0.9, ema=0.9, class_weights="balanced", threads=1
    )
    digests = set()
    for name in ("one", "two"):
        measures = train_teacher(tiny_tokens, tiny_checkpoint, tmp_path / name, config)
        digests.add(expect(tmp_path / name, CHECKPOINT).digest)
    assert len(digests) == 1
    assert 0 <= measures["padding_share"] < 0.5
    told = expect(tmp_path / "one", CHECKPOINT).meaning["training"]
    assert told["padding_share"] == measures["padding_share"]
