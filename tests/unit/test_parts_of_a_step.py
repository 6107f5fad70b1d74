"""A step computed in parts, batch after batch or by several processes, is the step computed whole."""

import hashlib
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close
from transformers import AutoConfig, AutoModelForSequenceClassification

from potstill import processes
from potstill.data.batches import pad
from potstill.data.tokens import NO_LABEL, from_rows
from potstill.distill.objective import Pair, build_objective
from potstill.distill.recipes import LOSSES, RECIPES, Recipe, resolve
from potstill.encoder.checkpoint import load_classifier
from potstill.errors import OptionError
from potstill.qat.objective import FreezingDistillation
from potstill.training.binary_cross_entropy import BinaryCrossEntropy
from potstill.training.cross_entropy import CrossEntropy
from potstill.training.distillation import Distillation, HardLabels, SoftLabels
from potstill.training.dropout import FastDropout
from potstill.training.first_token import last_layer_for_first_token
from potstill.training.internals import run_with_internals
from potstill.training.losses import relations
from potstill.training.objective import to_inputs
from potstill.training.parts import LABELLED, PAIRS, ROWS, TOKENS, Rowset, share_of
from potstill.training.weights import Weight

CPU = torch.device("cpu")
HEADS = 4  # of relations
LENGTHS = [30, 2, 3, 17, 5, 2, 9, 24, 4, 6, 11]
LABELS = [NO_LABEL, NO_LABEL, NO_LABEL, 1, 0, 1, 0, NO_LABEL, 1, 1, 0]  # the first part has none
UNKNOWN = [NO_LABEL, NO_LABEL]
SETS = [UNKNOWN, UNKNOWN, UNKNOWN, [1, 0], [NO_LABEL, 1], [0, 0], [1, 1], UNKNOWN, [0, 1], [1, 0], [1, 1]]

# How a step's eleven rows are cut: into batches, each padded to its own longest row, and those into parts.
CUTS = {
    "two processes": [[(0, 4), (4, 11)]],
    "three processes": [[(0, 3), (3, 4), (4, 11)]],
    "two batches": [[(0, 6)], [(6, 11)]],
    "two batches in two processes": [[(0, 3), (3, 6)], [(6, 8), (8, 11)]],
    "two batches in three processes": [[(0, 2), (2, 4), (4, 6)], [(6, 7), (7, 9), (9, 11)]],
}

DIVISIBLE = [name for name in LOSSES if name != "contrastive_cls"]
RECIPES_NOW = {name: resolve("soft", {"soft_labels": "0", name: "0.7"}) for name in DIVISIBLE}
RECIPES_NOW |= {f"recipe {name}": resolve(name) for name in RECIPES}


def table_of(labels=LABELS):
    dice = np.random.default_rng(0)
    return from_rows([dice.integers(5, 40, length).astype(np.int32) for length in LENGTHS], np.array(labels))


class Answers:
    """What a teacher answers on the rows of a table, in memory."""

    def __init__(self, teacher, table):
        whole = to_inputs(pad(table, np.arange(len(table))), CPU)
        with torch.no_grad():
            seen = run_with_internals(teacher, whole.input_ids, whole.attention_mask)
        self.logits, self._cls = seen.logits, torch.stack([each[:, 0] for each in seen.hidden[1:]], 1)
        last = (seen.queries[-1], seen.keys[-1], seen.values[-1])
        self._relations = torch.stack([relations(each, HEADS, whole.attention_mask).exp() for each in last], 1)

    def cls(self, rows):
        return self._cls[rows]

    def relations(self, rows, width):
        return self._relations[rows][..., :width, :width]


@pytest.fixture(scope="module")
def pair(tiny_checkpoint):
    torch.manual_seed(3)
    student, teacher = load_classifier(tiny_checkpoint), load_classifier(tiny_checkpoint)
    for parameter in student.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return Pair(student, teacher, [0, 1], multi_label=False)


def the_whole(table, progress):
    return replace(to_inputs(pad(table, np.arange(len(table))), CPU), progress=progress)


def the_parts(table, cut, progress):
    everything = Rowset(table.labels, table.lengths)
    for batch in cut:
        first = batch[0][0]
        padded = pad(table, np.arange(first, batch[-1][1]))
        for start, stop in batch:
            part = padded.take(slice(start - first, stop - first))
            yield replace(to_inputs(part, CPU), progress=progress, whole=everything)


def computed(model, objective, batches):
    """Loss and gradients, added up over batches."""
    model.zero_grad()
    objective.zero_grad()
    losses = [objective(model, batch) for batch in batches]
    for loss in losses:
        loss.backward()
    named = [*model.named_parameters(), *objective.named_parameters()]
    gradients = {name: each.grad.clone() for name, each in named if each.grad is not None}
    return torch.stack(losses).sum(), gradients


def assert_parts_make_the_whole(model, objective, table, cut, progress=0.25):
    whole, expected = computed(model, objective, [the_whole(table, progress)])
    told, gradients = computed(model, objective, the_parts(table, cut, progress))
    assert whole.item() > 0
    assert_close(told, whole, rtol=1e-6, atol=0)
    assert gradients.keys() == expected.keys()
    size = max(each.abs().max().item() for each in expected.values())
    assert size > 0
    for name, gradient in gradients.items():
        assert_close(gradient, expected[name], rtol=1e-4, atol=1e-6 * size, msg=name)


# -------------------------------------------------------------------------------------------------- losses


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("recipe", RECIPES_NOW.values(), ids=RECIPES_NOW)
def test_every_loss_and_recipe(recipe, cut, pair):
    table = table_of()
    objective = build_objective(recipe, pair, Answers(pair.teacher, table), HEADS)
    for progress in (0.25, 0.75) if recipe.phased else (0.0,):
        assert_parts_make_the_whole(pair.student, objective, table, cut, progress)


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize(
    ("make", "labels"),
    [
        (lambda _: CrossEntropy(), LABELS),
        (lambda _: CrossEntropy(0.1, torch.tensor([0.5, 2.0])), LABELS),
        (lambda _: BinaryCrossEntropy(0.1), SETS),
        (lambda _: Distillation({"one": (HardLabels(multi_label=True), Weight(0.7))}), SETS),
        (lambda logits: Distillation({"one": (SoftLabels(logits, 2.0, multi_label=True), Weight(0.7))}), SETS),
        (lambda logits: FreezingDistillation(logits, 2.0, 0.5), LABELS),
    ],
    ids=["labels", "weighted labels", "label sets", "hard label sets", "soft label sets", "qat"],
)
def test_every_other_objective(make, labels, cut, pair):
    table = table_of(labels)
    assert_parts_make_the_whole(pair.student, make(Answers(pair.teacher, table).logits), table, cut)


@pytest.mark.parametrize(
    ("objective", "labels"),
    [
        (CrossEntropy(0.1, torch.tensor([0.5, 2.0])), [NO_LABEL] * 11),
        (BinaryCrossEntropy(0.1), [[NO_LABEL] * 2] * 11),
        (Distillation({"one": (HardLabels(), Weight(1.0))}), [NO_LABEL] * 11),
    ],
)
def test_a_step_without_labels_teaches_nothing(objective, labels, pair):
    table = table_of(labels)
    for batches in ([the_whole(table, 0.0)], the_parts(table, CUTS["two processes"], 0.0)):
        loss, gradients = computed(pair.student, objective, batches)
        assert loss.item() == 0
        assert gradients
        assert all(each.abs().max() == 0 for each in gradients.values())


def test_units_count_what_is_there():
    several = Rowset(np.array(SETS), np.array(LENGTHS))
    one = Rowset(np.array(LABELS), np.array(LENGTHS))
    assert [unit(one) for unit in (ROWS, LABELLED, TOKENS, PAIRS)] == [11, 7, 113, sum(n * n for n in LENGTHS)]
    assert LABELLED(several) == 7
    nothing = Rowset(np.array([NO_LABEL]), np.array([3]))
    assert share_of(nothing, one, LABELLED) == share_of(nothing, nothing, LABELLED) == 0
    assert share_of(nothing, one, TOKENS) == 3 / 113


def test_rows_that_are_all_of_the_step_have_a_share_of_one_exactly():
    whole = the_whole(table_of(), 0.0)
    assert [whole.share(unit) for unit in (ROWS, LABELLED, TOKENS, PAIRS)] == [1.0] * 4


def test_a_loss_that_compares_rows_is_refused_where_they_are_parted(pair, monkeypatch):
    outputs, recipe = Answers(pair.teacher, table_of()), Recipe({"contrastive_cls": Weight(1.0)}, 1.0)
    build_objective(recipe, pair, outputs, HEADS)
    monkeypatch.setattr(processes, "count", lambda: 3)
    with pytest.raises(OptionError, match=r"contrastive_cls .* 3 processes .*; run it in one process, or use another"):
        build_objective(recipe, pair, outputs, HEADS)


# ------------------------------------------------------------------------------------------------- dropout


def drop(shapes, dtype=torch.float32, rows=None, of=0):
    with FastDropout([3, 1, 4], rows, of):
        return [nn.functional.dropout(torch.ones(*shape, dtype=dtype), p) for shape, p in shapes]


@pytest.mark.parametrize(
    ("dtype", "digest"), [(torch.float32, "b23ef19b10855433"), (torch.bfloat16, "bd87ca5563931ff8")]
)
def test_the_masks_of_whole_batches_are_what_they_were(dtype, digest):
    """Trainings made before batches could be divided can be made again."""
    masks = drop([((5, 7, 3), 0.3), ((5, 9), 0.1)], dtype)
    assert hashlib.sha256(b"".join(each.float().numpy().tobytes() for each in masks)).hexdigest()[:16] == digest


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("ends", [[0, 2, 5], [0, 1, 3, 5], [0, 5]])
def test_the_masks_of_parts_make_the_mask_of_the_whole(ends, dtype):
    shapes = [((7, 3), 0.3), ((9,), 0.5), ((2, 3, 3), 0.1), ((1, 5), 0.5)]  # 4 divides none: words are cut within
    whole = drop([((5, *shape), p) for shape, p in shapes], dtype)
    parts = [
        drop([((stop - start, *shape), p) for shape, p in shapes], dtype, slice(start, stop), 5)
        for start, stop in pairwise(ends)
    ]
    for mask, own in zip(whole, zip(*parts, strict=True), strict=True):
        assert torch.equal(mask, torch.cat(own))


def test_dropout_of_something_else_than_rows_is_a_mistake():
    with pytest.raises(RuntimeError, match=r"dropout of \(3, 4\) where rows 1 to 3 of 5 are computed"):
        drop([((3, 4), 0.5)], rows=slice(1, 3), of=5)


FAMILIES = {
    "bert": {},
    "mobilebert": {"intra_bottleneck_size": 16, "embedding_size": 16, "hidden_dropout_prob": 0.1},
    "albert": {"embedding_size": 16, "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1},
    "distilbert": {},
    "electra": {"embedding_size": 16},
    "roberta": {"pad_token_id": 0},
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_is_dropped_alike_whoever_computes_it(family):
    torch.manual_seed(0)
    shape = {"vocab_size": 40, "hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2}
    config = AutoConfig.for_model(family, **shape, intermediate_size=64, initializer_range=0.2, **FAMILIES[family])
    model, inputs = AutoModelForSequenceClassification.from_config(config), the_whole(table_of(), 0.0)

    def logits(rows=slice(0, 11), of=0):
        with torch.no_grad(), FastDropout([7], rows if of else None, of), last_layer_for_first_token(model):
            return model(input_ids=inputs.input_ids[rows], attention_mask=inputs.attention_mask[rows]).logits

    model.eval()
    without = logits()
    model.train()
    alone = logits()
    parts = [logits(rows, of=11) for rows in (slice(0, 4), slice(4, 5), slice(5, 11))]
    assert_close(torch.cat(parts), alone, rtol=1e-5, atol=1e-5)
    assert (alone - without).abs().max() > 1e-2
