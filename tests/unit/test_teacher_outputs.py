"""What a teacher answers, kept: against a slow pass row by row, read in any order, and refused when it does not fit."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import make_checkpoint, make_tokens
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file
from torch.testing import assert_close
from transformers import MobileBertConfig, MobileBertForSequenceClassification

from potstill.artifacts import CHECKPOINT, TEACHER_OUTPUTS, TOKENS, expect, seal
from potstill.data.tokens import TRAIN, UNLABELLED, VALIDATION, concatenate, read_split
from potstill.encoder.checkpoint import load_classifier
from potstill.encoder.pruned import PrunedBertConfig, PrunedBertForSequenceClassification
from potstill.errors import ArtifactError, InputError, OptionError
from potstill.output_folder import creating
from potstill.teacher_cache import TeacherCacheConfig, cache_teacher
from potstill.training.agreement import same_rows
from potstill.training.internals import run_with_internals
from potstill.training.teacher_outputs import FURTHER, kept_of, open_outputs, read_parts, view_parts, write_outputs
from potstill.training.teacher_outputs.layout import Kept, shard_paths
from potstill.training.teacher_outputs.shards import cut

FAST = {"threads": 1, "dtype": "float32"}
ALL = "logits,cls,relations"
HALF = {"rtol": 1e-3, "atol": 1e-3}  # what float16 keeps


@pytest.fixture(scope="module")
def whole(tmp_path_factory, tiny_checkpoint, tiny_tokens):
    """Everything kept, of the last layer, in the teacher's own heads."""
    folder = tmp_path_factory.mktemp("outputs") / "whole"
    cache_teacher(tiny_checkpoint, tiny_tokens, folder, TeacherCacheConfig(keep=ALL, **FAST))
    return folder


@pytest.fixture
def other_tokens(tmp_path, tokenizer_folder):
    return make_tokens(tmp_path / "other", tokenizer_folder, rows=20).path


def learned(tokens):
    return concatenate([read_split(tokens, TRAIN), read_split(tokens, UNLABELLED)])


def one_row(teacher, table, row):
    """One row through the teacher (a model, or its checkpoint), alone and without padding."""
    model = load_classifier(teacher) if isinstance(teacher, Path) else teacher
    ids = torch.from_numpy(table.row(row).astype(np.int64))[None]
    with torch.inference_mode():
        return run_with_internals(model, ids, torch.ones_like(ids))


def slow_relations(states, heads):
    """softmax(S·Sᵀ/√d) of one row's states (tokens, width), head by head, token by token."""
    size = states.shape[1] // heads
    found = torch.zeros(heads, len(states), len(states))
    for head in range(heads):
        part = states[:, head * size : (head + 1) * size]
        for query in range(len(part)):
            scores = torch.tensor([float(part[query] @ part[key]) / size**0.5 for key in range(len(part))])
            found[head, query] = scores.exp() / scores.exp().sum()
    return found


# ---------------------------------------------------------------------------------------------- teacher-cache


def test_what_is_kept_is_what_the_teacher_answers_row_by_row(whole, tiny_checkpoint, tiny_tokens):
    table, view = learned(tiny_tokens), open_outputs(whole).over([TRAIN, UNLABELLED])
    assert len(view) == len(table) == 128
    assert (view.lengths == table.lengths).all()
    rows = np.array([127, 0, 64, 63, 5])  # both parts, in no order
    cls = view.cls(torch.from_numpy(rows))
    for place, row in enumerate(rows):
        slow = one_row(tiny_checkpoint, table, int(row))
        assert_close(view.logits[row], slow.logits[0], **HALF)
        assert_close(cls[place], torch.stack([state[0, 0] for state in slow.hidden[1:]]), **HALF)


@pytest.mark.parametrize(("layer", "heads"), [(0, 0), (1, 2)])
def test_relations_are_those_of_a_slow_reference(tmp_path, tiny_checkpoint, tiny_tokens, layer, heads):
    config = TeacherCacheConfig(keep="relations", relation_layer=layer, relation_heads=heads, batch_size=7, **FAST)
    cache_teacher(tiny_checkpoint, tiny_tokens, tmp_path / "out", config)
    outputs, table = open_outputs(tmp_path / "out"), learned(tiny_tokens)
    assert outputs.artifact.meaning["relation_layer"] == (layer or 2)
    width = int(table.lengths.max()) + 3
    found = outputs.over([TRAIN, UNLABELLED]).relations(np.array([100, 3]), width)
    assert found.shape == (2, 3, heads or 4, width, width)
    for place, row in enumerate((100, 3)):
        slow, length = one_row(tiny_checkpoint, table, row), table.lengths[row]
        for kind, states in enumerate((slow.queries, slow.keys, slow.values)):
            real = found[place, kind, :, :length, :length]
            assert_close(real, slow_relations(states[(layer or 2) - 1][0], heads or 4), **HALF)
        assert found[place, :, :, length:].abs().sum() == found[place, ..., length:].abs().sum() == 0


def test_the_same_work_gives_the_same_bytes(tmp_path, whole, tiny_checkpoint, tiny_tokens):
    cache_teacher(tiny_checkpoint, tiny_tokens, tmp_path / "again", TeacherCacheConfig(keep=ALL, **FAST))
    assert expect(tmp_path / "again", TEACHER_OUTPUTS).digest == expect(whole, TEACHER_OUTPUTS).digest


def test_bfloat16_is_near_and_its_relations_are_distributions(tmp_path, whole, tiny_checkpoint, tiny_tokens):
    config = TeacherCacheConfig(keep=ALL, threads=1, dtype="bfloat16")
    cache_teacher(tiny_checkpoint, tiny_tokens, tmp_path / "out", config)
    near, exact = (open_outputs(each).over([TRAIN]) for each in (tmp_path / "out", whole))
    assert_close(near.logits, exact.logits, rtol=0.05, atol=0.1)
    length = int(near.lengths[9])
    assert_close(near.relations([9], length).sum(-1), torch.ones(1, 3, 4, length), **HALF)


def test_many_small_shards_read_as_one(tmp_path, whole, tiny_checkpoint, tiny_tokens):
    teacher, parts = load_classifier(tiny_checkpoint), read_parts(tiny_tokens)
    kept = kept_of(teacher, ("logits", "cls", "relations"))
    write_outputs(teacher, parts, tmp_path, kept, 64, torch.float32, shard_bytes=20_000)
    assert len(shard_paths(tmp_path, TRAIN)) > 5
    many, one = view_parts(tmp_path, list(parts), kept.relation_heads), open_outputs(whole).over(list(parts))
    rows = np.random.default_rng(0).permutation(len(one))
    assert_close(many.logits, one.logits, **HALF)
    assert_close(many.cls(rows), one.cls(rows), **HALF)
    assert_close(many.relations(rows, 32), one.relations(rows, 32), **HALF)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 64), min_size=1, max_size=50), st.integers(1, 40_000))
def test_a_shard_is_full_or_one_row(lengths, limit):
    sizes = Kept(("logits", "relations"), 2, relation_layer=1, relation_heads=2).row_bytes(np.array(lengths))
    shards = list(cut(sizes, limit))
    assert np.concatenate([np.arange(len(sizes))[each] for each in shards]).tolist() == list(range(len(sizes)))
    for this, after in zip(shards, [*shards[1:], None], strict=True):
        assert sizes[this].sum() <= limit or this.stop - this.start == 1
        assert after is None or sizes[this].sum() + sizes[after][0] > limit


def test_a_row_takes_what_the_card_says(whole, tiny_tokens):
    table = read_split(tiny_tokens, TRAIN)
    tensors = load_file(shard_paths(whole, TRAIN)[0])
    told = Kept(("logits", "cls", "relations"), 2, 2, 32, 2, 4).row_bytes(table.lengths)
    assert sum(each.nbytes for each in tensors.values()) == told.sum()
    assert told[0] == 2 * 2 + 4 + 2 * 2 * 32 + 2 * 3 * 4 * table.lengths[0] ** 2


def test_further_rows_are_a_part_of_their_own(tmp_path, tiny_checkpoint, tiny_tokens, other_tokens):
    measures = cache_teacher(tiny_checkpoint, tiny_tokens, tmp_path / "out", TeacherCacheConfig(**FAST), other_tokens)
    outputs = open_outputs(tmp_path / "out")
    assert outputs.parts == {TRAIN: 64, UNLABELLED: 64, VALIDATION: 64, FURTHER: 20}
    assert measures["rows"] == 212
    assert measures["bytes"] == sum(path.stat().st_size for path in (tmp_path / "out").glob("*.safetensors"))
    table = read_split(other_tokens, UNLABELLED)
    assert_close(outputs.over([FURTHER]).logits[3], one_row(tiny_checkpoint, table, 3).logits[0], **HALF)


def test_the_accuracy_told_is_that_of_the_rows(tmp_path, tiny_checkpoint, tiny_tokens):
    measures = cache_teacher(tiny_checkpoint, tiny_tokens, tmp_path / "out", TeacherCacheConfig(**FAST))
    table = read_split(tiny_tokens, VALIDATION)
    right = [one_row(tiny_checkpoint, table, row).logits[0].argmax() == table.labels[row] for row in range(64)]
    assert measures["validation_accuracy"] == sum(map(bool, right)) / 64


def narrow(family, size):
    """A random teacher whose queries are narrower than its hidden states."""
    if family == "mobilebert":
        shape = {"hidden_size": 48, "true_hidden_size": 16, "intra_bottleneck_size": 16, "num_attention_heads": 2}
        made = MobileBertConfig(
            size, num_hidden_layers=1, intermediate_size=32, embedding_size=16, max_position_embeddings=64, **shape
        )
        return MobileBertForSequenceClassification(made).eval()
    shape = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 16, "max_position_embeddings": 64}
    made = PrunedBertConfig([3, 2], [16, 8], 8, vocab_size=size, num_hidden_layers=2, **shape)
    return PrunedBertForSequenceClassification(made).eval()


@pytest.mark.parametrize(("family", "heads"), [("mobilebert", 2), ("pruned", 2)])
def test_teachers_whose_attention_is_narrower(tmp_path, tiny_tokens, family, heads):
    torch.manual_seed(0)
    table = read_split(tiny_tokens, TRAIN)
    model = narrow(family, int(table.ids.max()) + 1)
    kept = kept_of(model, ("logits", "relations"))
    assert kept.relation_heads == heads
    write_outputs(model, {TRAIN: table}, tmp_path, kept, 64, torch.float32)
    found = view_parts(tmp_path, [TRAIN], heads).relations(np.array([7]), int(table.lengths[7]))
    assert_close(found[0, 1], slow_relations(one_row(model, table, 7).keys[-1][0], heads), **HALF)


def test_the_key_names_teacher_rows_and_what_is_kept(tmp_path, whole, tiny_checkpoint, tiny_tokens):
    cache_teacher(tiny_checkpoint, tiny_tokens, tmp_path / "other", TeacherCacheConfig(keep=ALL, batch_size=9, **FAST))
    cache_teacher(tiny_checkpoint, tiny_tokens, tmp_path / "less", TeacherCacheConfig(keep="cls", **FAST))
    key, other, less = (
        expect(each, TEACHER_OUTPUTS).meaning["key"] for each in (whole, tmp_path / "other", tmp_path / "less")
    )
    assert key == other != less


# ------------------------------------------------------------------------------------------------- refusals


def test_a_damaged_file_is_refused(tmp_path, whole):
    shutil.copytree(whole, tmp_path / "damaged")
    with shard_paths(tmp_path / "damaged", TRAIN)[0].open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x7f")
    with pytest.raises(ArtifactError, match="changed train-00000"):
        open_outputs(tmp_path / "damaged")


def test_a_part_that_is_not_there_is_refused(whole):
    with pytest.raises(ArtifactError, match="no rows of further; parts are: train, unlabelled, validation"):
        open_outputs(whole).over([TRAIN, FURTHER])


def test_outputs_of_other_rows_are_refused(whole, tiny_tokens, other_tokens):
    outputs, mine, other = expect(whole, TEACHER_OUTPUTS), expect(tiny_tokens, TOKENS), expect(other_tokens, TOKENS)
    same_rows(outputs, mine)
    with pytest.raises(InputError, match="answers tokens"):
        same_rows(outputs, other)
    with pytest.raises(InputError, match=r"answers unlabelled \(none\)"):
        same_rows(outputs, mine, other)


def resealed(folder, copy, kind, change=None, **meaning):
    """Copy a sealed folder, change it, and seal it again."""
    artifact = expect(folder, kind)
    with creating(copy, kind):
        for file in artifact.files:
            shutil.copyfile(folder / file.path, copy / file.path)
        if change:
            change(copy)
        seal(copy, kind, artifact.made_by, {}, {**artifact.meaning, **meaning}, artifact.licence)
    return copy


def test_a_teacher_of_other_labels_is_refused(tmp_path, tiny_checkpoint, tiny_tokens):
    teacher = resealed(tiny_checkpoint, tmp_path / "teacher", CHECKPOINT, labels=["娱乐", "财经"])
    with pytest.raises(InputError, match="knows the labels 娱乐, 财经, the tokens have 体育, 财经"):
        cache_teacher(teacher, tiny_tokens, tmp_path / "out", TeacherCacheConfig(**FAST))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("which", ["teacher", "unlabelled"])
def test_another_tokenizer_is_refused(tmp_path, tiny_checkpoint, tiny_tokens, which):
    def rewrite(folder):
        text = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        (folder / "tokenizer.json").write_text(json.dumps(text | {"version": "2"}))

    folders = {"teacher": (tiny_checkpoint, CHECKPOINT), "unlabelled": (tiny_tokens, TOKENS)}
    given = {"teacher": tiny_checkpoint} | {
        which: resealed(folders[which][0], tmp_path / which, folders[which][1], rewrite)
    }
    with pytest.raises(InputError, match="different tokenizers"):
        cache_teacher(tokens=tiny_tokens, outputs=tmp_path / "out", config=TeacherCacheConfig(**FAST), **given)


def test_answers_that_float16_cannot_hold_are_refused(tmp_path, tiny_tokens, tokenizer_folder):
    teacher = make_checkpoint(tmp_path / "teacher", tokenizer_folder)
    model = load_classifier(teacher.path)
    model.classifier.bias.data += 1e6
    with pytest.raises(InputError, match="logits are NaN or above 65504"):
        write_outputs(model, read_parts(tiny_tokens), tmp_path, kept_of(model, ("logits",)), 64, torch.float32)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"keep": "logits,attention"}, "keep must be one of logits, cls, relations, soft, .*, got 'attention'"),
        ({"keep": "cls", "relation_heads": 2}, "need relations in keep, got keep 'logits,cls'"),
        ({"dtype": "float16"}, "dtype must be one of"),
    ],
)
def test_nonsense_is_refused_when_built(options, word):
    with pytest.raises(OptionError, match=word):
        TeacherCacheConfig(**options)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"relation_layer": 3}, "relation_layer must be at most 2"),
        ({"relation_heads": 5}, "relation_heads must divide 32"),
    ],
)
def test_what_the_teacher_has_not_is_refused(tmp_path, tiny_checkpoint, tiny_tokens, options, word):
    config = TeacherCacheConfig(keep="relations", **options, **FAST)
    with pytest.raises(OptionError, match=word):
        cache_teacher(tiny_checkpoint, tiny_tokens, tmp_path / "out", config)
    assert not (tmp_path / "out").exists()
