"""Distillation losses against slow references: plain loops over numbers, written from each paper's formula."""

import math
from functools import partial

import pytest
import torch
from torch.testing import assert_close

from potstill.data.tokens import NO_LABEL
from potstill.errors import OptionError
from potstill.training.losses import (
    attention_distributions,
    attention_scores,
    cls_states,
    contrastive_cls,
    feature_maps,
    hard_labels,
    hard_multi_labels,
    hidden_states,
    relation_divergence,
    relations,
    scores,
    soft_labels,
    soft_multi_labels,
)

LENGTHS = [5, 2, 3]  # 2 is a row of [CLS] and [SEP] alone
MASK = torch.tensor([[1] * length + [0] * (5 - length) for length in LENGTHS])
REAL = [(row, token) for row, length in enumerate(LENGTHS) for token in range(length)]
PAIRS = [(row, query, key) for row, query in REAL for key in range(LENGTHS[row])]


def states(seed, width=8):
    return torch.randn(3, 5, width, generator=torch.Generator().manual_seed(seed))


def attention(seed, heads=2):
    return torch.randn(3, heads, 5, 5, generator=torch.Generator().manual_seed(seed)) * 3


def logits(seed):
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(seed)) * 3


def first_tokens(seed):
    return torch.randn(4, 2, 6, generator=torch.Generator().manual_seed(seed))


def related(student, teacher, mask):
    return relation_divergence(relations(student, 2, mask), relations(teacher, 2, mask).exp(), mask)


# name: (loss of student, teacher and mask, what makes its inputs)
OF_TOKENS = {
    "hidden_states": (hidden_states, states),
    "feature_maps": (feature_maps, states),
    "attention_scores": (attention_scores, attention),
    "attention_distributions": (attention_distributions, attention),
    "relations": (related, states),
}
# name: (loss of student and teacher, what makes its inputs)
OF_ROWS = {
    "soft_labels": (partial(soft_labels, temperature=2.5), logits),
    "soft_multi_labels": (partial(soft_multi_labels, temperature=2.5), logits),
    "cls_states": (cls_states, first_tokens),
    "contrastive_cls": (partial(contrastive_cls, temperature=0.1), logits),
}
ALL = OF_ROWS | {name: (partial(loss, mask=MASK), make) for name, (loss, make) in OF_TOKENS.items()}


def softmax(numbers):
    powers = [math.exp(number - max(numbers)) for number in numbers]
    return [power / sum(powers) for power in powers]


def divergence(p, q):
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


def mean(numbers):
    return sum(numbers) / len(numbers)


def squared_distance(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))


def unit(vector):
    return [x / math.sqrt(sum(y * y for y in vector)) for x in vector]


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def agrees(fast, slow):
    assert_close(fast, torch.tensor(slow), rtol=1e-4, atol=1e-6)


# -------------------------------------------------------------------------------------------- what all have


@pytest.mark.parametrize(("loss", "make"), OF_TOKENS.values(), ids=OF_TOKENS)
def test_padding_counts_for_nothing(loss, make):
    """Whatever stands in padding, NaN included, and however much of it there is."""
    student, teacher = make(1), make(2)
    plain = loss(student, teacher, MASK)
    real = MASK.bool()
    kept = real[:, None, :, None] & real[:, None, None, :] if student.ndim == 4 else real[..., None]
    wider = (0, 3, 0, 3) if student.ndim == 4 else (0, 0, 0, 3)
    for filling in (float("nan"), float("inf"), -1e30):
        poisoned = [
            torch.nn.functional.pad(each.where(kept, filling), wider, value=filling) for each in (student, teacher)
        ]
        poisoned[0].requires_grad_()
        told = loss(*poisoned, torch.nn.functional.pad(MASK, (0, 3)))
        assert_close(told, plain)
        told.backward()
        assert torch.isfinite(poisoned[0].grad).all()


@pytest.mark.parametrize(("loss", "make"), ALL.values(), ids=ALL)
def test_the_gradient_is_finite_and_the_students_alone(loss, make):
    student, teacher = make(1).requires_grad_(), make(2).requires_grad_()
    loss(student, teacher).backward()
    assert teacher.grad is None
    assert torch.isfinite(student.grad).all()
    assert student.grad.abs().sum() > 0


@pytest.mark.parametrize(("loss", "make"), ALL.values(), ids=ALL)
def test_half_precision_and_autocast_are_left_at_the_door(loss, make):
    student, teacher = make(1).bfloat16(), make(2).bfloat16()
    whole = loss(student.float(), teacher.float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        told = loss(student, teacher)
    assert told.dtype == torch.float32
    assert_close(told, whole, rtol=0, atol=0)


@pytest.mark.parametrize("name", sorted(ALL.keys() - {"contrastive_cls"}))
def test_equal_is_nothing_to_learn(name):
    loss, make = ALL[name]
    student = make(1).requires_grad_()
    told = loss(student, make(1))
    told.backward()
    agrees(told, 0.0)
    assert student.grad.abs().max() < 1e-5
    assert loss(make(1), make(2)) > 1e-3


@pytest.mark.parametrize(("loss", "make"), OF_TOKENS.values(), ids=OF_TOKENS)
def test_the_shortest_rows_and_equal_tokens_have_a_loss(loss, make):
    """[CLS] [SEP] alone, and states that are the same everywhere: no variance, no differing score."""
    student = torch.zeros_like(make(1))[:, ..., :2, :] if make is states else torch.zeros(3, 2, 2, 2)
    student.requires_grad_()
    teacher = make(2)[..., :2, :] if make is states else make(2)[..., :2, :2]
    told = loss(student, teacher, torch.ones(3, 2))
    told.backward()
    assert torch.isfinite(told)
    assert torch.isfinite(student.grad).all()


# --------------------------------------------------------------------------------------------------- labels


def test_soft_labels_is_the_divergence_spelled_out():
    student, teacher, heat = logits(1), logits(2), 2.5
    slow = mean(
        [
            divergence(softmax([x / heat for x in t]), softmax([x / heat for x in s]))
            for s, t in zip(student.tolist(), teacher.tolist(), strict=True)
        ]
    )
    agrees(soft_labels(student, teacher, heat), slow * heat**2)


def test_soft_multi_labels_takes_each_label_as_a_distribution_of_its_own():
    student, teacher, heat = logits(1), logits(2), 2.5
    slow = 0.0
    for s, t in zip(student.flatten().tolist(), teacher.flatten().tolist(), strict=True):
        p, q = sigmoid(t / heat), sigmoid(s / heat)
        slow += divergence([p, 1 - p], [q, 1 - q]) / len(student)
    agrees(soft_multi_labels(student, teacher, heat), slow * heat**2)


def test_a_sure_teacher_of_many_labels_is_no_nan():
    sure = torch.tensor([[200.0, -200.0]])
    assert_close(soft_multi_labels(sure, sure, 1.0), torch.tensor(0.0))
    assert_close(soft_multi_labels(-sure, sure, 1.0), torch.tensor(400.0))


def test_hard_labels_leaves_unlabelled_rows_out():
    student, labels = logits(1), [0, NO_LABEL, 2, NO_LABEL]
    slow = mean([-math.log(softmax(student[row].tolist())[labels[row]]) for row in (0, 2)])
    agrees(hard_labels(student, torch.tensor(labels)), slow)


def test_hard_multi_labels_leaves_unknown_labels_out():
    student = logits(1)
    labels = torch.tensor([[1.0, 0.0, 1.0], [NO_LABEL] * 3, [0.0, NO_LABEL, 1.0], [NO_LABEL] * 3])
    slow = 0.0
    for row, label in ((0, 0), (0, 1), (0, 2), (2, 0), (2, 2)):
        p = sigmoid(student[row, label].item())
        slow -= math.log(p if labels[row, label] == 1 else 1 - p) / 2  # two rows have labels
    agrees(hard_multi_labels(student, labels), slow)


@pytest.mark.parametrize(("loss", "shape"), [(hard_labels, (4,)), (hard_multi_labels, (4, 3))])
def test_a_batch_without_labels_teaches_nothing(loss, shape):
    student = logits(1).requires_grad_()
    told = loss(student, torch.full(shape, NO_LABEL))
    told.backward()
    assert told.item() == 0.0
    assert student.grad.abs().max() == 0


# -------------------------------------------------------------------------------------------- hidden states


def test_hidden_states_counts_real_tokens_only():
    student, teacher = states(1), states(2)
    slow = mean([squared_distance(student[at].tolist(), teacher[at].tolist()) / 8 for at in REAL])
    agrees(hidden_states(student, teacher, MASK), slow)


def test_feature_maps_weighted_by_100_is_what_mobilebert_adds_up():
    student, teacher = states(1) * 2 + 1, states(2)
    normalised, means, variances = [], [], []
    for at in REAL:
        (s, mean_s, var_s), (t, mean_t, var_t) = (_statistics(each[at].tolist()) for each in (student, teacher))
        normalised.append(squared_distance(s, t) / 8)
        means.append((mean_s - mean_t) ** 2)
        variances.append(abs(var_s - var_t))
    slow = 100 * mean(normalised) + 5000 * mean(means) + 5 * mean(variances)
    agrees(100 * feature_maps(student, teacher, MASK), slow)


def _statistics(vector):
    middle = mean(vector)
    variance = mean([(x - middle) ** 2 for x in vector])
    return [(x - middle) / math.sqrt(variance) for x in vector], middle, variance


# ------------------------------------------------------------------------------------------------ attention


def test_scores_are_dot_products_of_each_heads_share():
    queries, keys = states(1), states(2)
    told = scores(queries, keys, heads=4)
    assert told.shape == (3, 4, 5, 5)
    for row, query, key in PAIRS:
        for head in range(4):
            slow = sum((queries[row, query, i] * keys[row, key, i]).item() for i in (2 * head, 2 * head + 1))
            agrees(told[row, head, query, key], slow / math.sqrt(2))


def test_the_scores_softmax_is_the_models_own_attention(tiny_checkpoint):
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(tiny_checkpoint, attn_implementation="eager").eval()
    attended = model.bert.encoder.layer[0].attention.self
    ids = torch.arange(5, 15).view(1, 10)
    with torch.no_grad():
        output = model(input_ids=ids, output_attentions=True, output_hidden_states=True)
        told = scores(attended.query(output.hidden_states[0]), attended.key(output.hidden_states[0]), 4)
    assert_close(told.softmax(-1), output.attentions[0])


@pytest.mark.parametrize("heads", [0, 3, 16])
def test_heads_that_do_not_divide_the_width_are_refused(heads):
    with pytest.raises(OptionError, match=f"a width of 8 cannot be cut into {heads} heads"):
        scores(states(1), states(2), heads)


def test_attention_scores_compares_real_pairs_head_by_head():
    student, teacher = attention(1), attention(2)
    slow = mean([(student[r, h, q, k] - teacher[r, h, q, k]).item() ** 2 for r, q, k in PAIRS for h in range(2)])
    agrees(attention_scores(student, teacher, MASK), slow)


def test_attention_scores_of_unlike_heads_compares_their_means():
    student, teacher = attention(1, heads=2), attention(2, heads=4)
    slow = mean([(mean(student[r, :, q, k].tolist()) - mean(teacher[r, :, q, k].tolist())) ** 2 for r, q, k in PAIRS])
    agrees(attention_scores(student, teacher, MASK), slow)


def test_attention_distributions_is_the_divergence_of_each_query():
    student, teacher = attention(1), attention(2)
    slow = mean(
        [
            divergence(*(softmax(each[row, head, query, : LENGTHS[row]].tolist()) for each in (teacher, student)))
            for row, query in REAL
            for head in range(2)
        ]
    )
    agrees(attention_distributions(student, teacher, MASK), slow)


# ------------------------------------------------------------------------------------------------ relations


def slow_relation(vectors, row, query, head, heads):
    """Softmax over the row's real tokens of one query's scaled dot products in one relation head."""
    size = vectors.shape[-1] // heads
    part = vectors[row, : LENGTHS[row], head * size : (head + 1) * size].tolist()
    return softmax([sum(a * b for a, b in zip(part[query], key, strict=True)) / math.sqrt(size) for key in part])


def test_relations_are_softmaxes_over_real_tokens():
    vectors = states(1)
    told = relations(vectors, 4, MASK).exp()
    for row, query in REAL:
        for head in range(4):
            slow = slow_relation(vectors, row, query, head, 4)
            agrees(told[row, head, query], slow + [0.0] * (5 - len(slow)))


def test_relation_divergence_bridges_unlike_widths():
    student, teacher, heads = states(1, width=8), states(2, width=12), 4
    slow = mean(
        [
            divergence(*(slow_relation(each, row, query, head, heads) for each in (teacher, student)))
            for row, query in REAL
            for head in range(heads)
        ]
    )
    probabilities = relations(teacher, heads, MASK).exp()
    agrees(relation_divergence(relations(student, heads, MASK), probabilities, MASK), slow)
    halved = relation_divergence(relations(student, heads, MASK), probabilities.half(), MASK)
    assert_close(halved, torch.tensor(slow), rtol=1e-2, atol=1e-3)


# ------------------------------------------------------------------------------------------ the first token


def test_cls_states_compares_directions():
    student, teacher = first_tokens(1), first_tokens(2)
    slow = mean(
        [
            squared_distance(unit(s), unit(t))
            for s, t in zip(student.flatten(0, 1).tolist(), teacher.flatten(0, 1).tolist(), strict=True)
        ]
    )
    agrees(cls_states(student, teacher), slow)
    agrees(cls_states(student[:, 0], teacher[:, 0] * 3), cls_states(student[:, :1], teacher[:, :1]).item())
    agrees(cls_states(student, -student), 4.0)


def test_contrastive_cls_is_finding_ones_own_teacher():
    student, teacher, heat = logits(1), logits(2), 0.1
    slow = []
    for row, s in enumerate(student.tolist()):
        alike = [sum(a * b for a, b in zip(unit(s), unit(t), strict=True)) / heat for t in teacher.tolist()]
        slow.append(-math.log(softmax(alike)[row]))
    agrees(contrastive_cls(student, teacher, heat), mean(slow))


def test_contrastive_cls_has_known_ends():
    apart, alike = torch.eye(4), torch.ones(4, 3)
    agrees(contrastive_cls(apart, apart, 0.5), math.log(1 + 3 * math.exp(-2)))
    agrees(contrastive_cls(alike, alike, 0.5), math.log(4))
    agrees(contrastive_cls(logits(1)[:1], logits(2)[:1], 0.5), 0.0)
