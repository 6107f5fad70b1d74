"""Several teachers as one: their weighted sum, its best weights against a grid, and members that do not fit."""

import numpy as np
import pytest
from conftest import make_checkpoint, make_tokens
from torch.testing import assert_close

from potstill.artifacts import TEACHER_OUTPUTS, TOKENS, expect
from potstill.data.tokens import NO_LABEL, TRAIN, UNLABELLED, VALIDATION, read_split
from potstill.errors import InputError
from potstill.teacher_cache import TeacherCacheConfig, cache_teacher
from potstill.teacher_ensemble import TeacherEnsembleConfig, ensemble_outputs
from potstill.teacher_ensemble.stacking import combined_loss, stacking_weights
from potstill.training.agreement import same_rows
from potstill.training.teacher_outputs import open_outputs


@pytest.mark.parametrize("weighting", ["average", "validation"])
def test_an_ensemble_is_the_weighted_sum(tmp_path, teacher_outputs, tiny_tokens, weighting):
    config = TeacherEnsembleConfig(weighting=weighting)
    measures = ensemble_outputs(teacher_outputs, tiny_tokens, tmp_path / "out", config)
    made, members = open_outputs(tmp_path / "out"), {}
    for each in map(open_outputs, teacher_outputs):
        members[each.artifact.meaning["members"][0]["teacher"]] = each
    told = made.artifact.meaning["members"]
    assert sum(member["weight"] for member in told) == pytest.approx(1)
    for part in (TRAIN, UNLABELLED, VALIDATION):
        wanted = sum(member["weight"] * members[member["teacher"]].over([part]).logits for member in told)
        assert_close(made.over([part]).logits, wanted, rtol=1e-3, atol=1e-3)
    assert {0.5} == {member["weight"] for member in told} or weighting == "validation"
    labels = read_split(tiny_tokens, VALIDATION).labels
    assert measures["validation_accuracy"] == (made.over([VALIDATION]).logits.argmax(1).numpy() == labels).mean()
    assert measures["best_member_accuracy"] == max(member["validation_accuracy"] for member in told)
    same_rows(made.artifact, expect(tiny_tokens, TOKENS))


def test_the_order_of_the_members_changes_nothing(tmp_path, teacher_outputs, tiny_tokens):
    config = TeacherEnsembleConfig(weighting="validation")
    for name, members in (("one", teacher_outputs), ("two", teacher_outputs[::-1])):
        ensemble_outputs(members, tiny_tokens, tmp_path / name, config)
    one, two = (expect(tmp_path / name, TEACHER_OUTPUTS) for name in ("one", "two"))
    assert one.digest == two.digest


def test_an_ensemble_may_be_a_member(tmp_path, teacher_outputs, tiny_tokens, tokenizer_folder):
    third = make_checkpoint(tmp_path / "third", tokenizer_folder, seed=33).path
    cache_teacher(third, tiny_tokens, tmp_path / "answers", TeacherCacheConfig(threads=1, dtype="float32"))
    ensemble_outputs(teacher_outputs, tiny_tokens, tmp_path / "two", TeacherEnsembleConfig())
    members = (tmp_path / "two", tmp_path / "answers")
    ensemble_outputs(members, tiny_tokens, tmp_path / "out", TeacherEnsembleConfig())
    weights = sorted(member["weight"] for member in expect(tmp_path / "out", TEACHER_OUTPUTS).meaning["members"])
    assert weights == [0.25, 0.25, 0.5]
    with pytest.raises(InputError, match="answers in more than one member"):
        ensemble_outputs((tmp_path / "two", teacher_outputs[0]), tiny_tokens, tmp_path / "no", TeacherEnsembleConfig())


def test_members_that_do_not_belong_together_are_refused(
    tmp_path, teacher_outputs, tiny_checkpoint, tiny_tokens, tokenizer_folder
):
    other_tokens = make_tokens(tmp_path / "other", tokenizer_folder, rows=20).path
    cache_teacher(tiny_checkpoint, other_tokens, tmp_path / "foreign", TeacherCacheConfig(threads=1, dtype="float32"))
    further = tmp_path / "further"
    cache_teacher(tiny_checkpoint, tiny_tokens, further, TeacherCacheConfig(threads=1, dtype="float32"), other_tokens)
    refused = {
        rf"^[^;]*foreign has other tokens than {tiny_tokens}; make": (*teacher_outputs, tmp_path / "foreign"),
        "has other unlabelled and parts than": (teacher_outputs[0], further),
        "two or more different members": teacher_outputs[:1],
        "different members, got": (*teacher_outputs, teacher_outputs[0]),
    }
    for word, members in refused.items():
        with pytest.raises(InputError, match=word):
            ensemble_outputs(members, tiny_tokens, tmp_path / "out", TeacherEnsembleConfig())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("multi_label", [False, True])
def test_stacking_finds_the_best_convex_weights(multi_label):
    dice = np.random.default_rng(3)
    truth = dice.integers(0, 3, 200)
    labels = (dice.random((200, 3)) < 0.4).astype(np.int64) if multi_label else truth
    targets = labels if multi_label else np.eye(3)[truth]
    noise = np.array([0.7, 2.0, 6.0])[:, None, None]
    logits = 2 * (2 * targets - 1) + noise * dice.normal(size=(3, 200, 3))

    def slow_loss(weights):
        total = 0.0
        for row in range(200):
            summed = sum(weight * logits[member, row] for member, weight in enumerate(weights))
            if multi_label:
                total += sum(
                    np.log1p(np.exp(-value if yes else value)) for value, yes in zip(summed, labels[row], strict=True)
                )
            else:
                total += np.log(np.exp(summed).sum()) - summed[truth[row]]
        return total / 200

    grid = [(a / 20, b / 20, 1 - (a + b) / 20) for a in range(21) for b in range(21 - a)]
    found = stacking_weights(logits, labels)
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1)
    assert slow_loss(found) <= min(map(slow_loss, grid)) + 1e-9
    loss, gradient = combined_loss(logits, targets, found, multi_label=multi_label)
    assert loss == pytest.approx(slow_loss(found))
    step = np.array([1e-6, 0, 0])
    nearby = [combined_loss(logits, targets, found + sign * step, multi_label=multi_label)[0] for sign in (1, -1)]
    assert gradient[0] == pytest.approx((nearby[0] - nearby[1]) / 2e-6, rel=1e-4)


def test_stacking_leaves_unlabelled_rows_out():
    dice = np.random.default_rng(0)
    logits, labels = dice.normal(size=(2, 40, 3)), dice.integers(0, 3, 40)
    labels[20:] = NO_LABEL
    assert (stacking_weights(logits, labels) == stacking_weights(logits[:, :20], labels[:20])).all()
    with pytest.raises(InputError, match="no validation row has a label"):
        stacking_weights(logits, np.full(40, NO_LABEL))
