"""From a starting checkpoint to a classifier: whose head is kept, and how long a text each family reads."""

import json
import shutil

import pytest
import torch
from conftest import LABELS, MAKER, OPEN, make_checkpoint, make_tokens
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    RobertaConfig,
    RobertaModel,
)

from potstill.artifacts import CHECKPOINT, TOKENS, expect, seal
from potstill.encoder.checkpoint import read_tensors
from potstill.encoder.positions import longest_input
from potstill.encoder.start import start_classifier
from potstill.encoder.tokenizer import copy_tokenizer
from potstill.errors import InputError
from potstill.output_folder import creating
from potstill.teacher_train import TeacherTrainConfig, train_teacher

SMALL = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 64}
NEW = TeacherTrainConfig(epochs=0, threads=1, dtype="float32")


def keep(folder, tokenizer_folder, model):
    with creating(folder, CHECKPOINT):
        model.save_pretrained(folder)
        copy_tokenizer(tokenizer_folder, folder)
        return seal(folder, CHECKPOINT, MAKER, {}, {"labels": [], "max_length": 32}, OPEN).path


@pytest.mark.parametrize(
    ("config", "family"),
    [
        (BertConfig(vocab_size=200, num_labels=5, **SMALL), BertForSequenceClassification),
        (ElectraConfig(vocab_size=200, num_labels=1, embedding_size=16, **SMALL), ElectraForSequenceClassification),
        (
            DistilBertConfig(vocab_size=200, num_labels=3, dim=32, n_layers=1, n_heads=4, hidden_dim=64),
            DistilBertForSequenceClassification,
        ),
    ],
)
def test_a_head_for_other_labels_is_replaced(tmp_path, tiny_tokens, tokenizer_folder, config, family):
    start = keep(tmp_path / "start", tokenizer_folder, family(config))
    assert train_teacher(tiny_tokens, start, tmp_path / "teacher", NEW)
    assert read_tensors(tmp_path / "teacher")[
        "classifier.out_proj.weight" if family is ElectraForSequenceClassification else "classifier.weight"
    ].shape == (2, 32)


def test_the_teachers_head_is_new_whatever_the_start_has(tmp_path, tiny_tokens, tiny_checkpoint):
    train_teacher(tiny_tokens, tiny_checkpoint, tmp_path / "teacher", NEW)
    ours, theirs = read_tensors(tmp_path / "teacher"), read_tensors(tiny_checkpoint)
    assert not torch.equal(ours["classifier.weight"], theirs["classifier.weight"])
    same = [name for name in theirs if not name.startswith("classifier.")]
    assert all(torch.equal(ours[name], theirs[name]) for name in same)


def test_a_head_is_kept_only_where_it_was_trained_on_these_tokens(tmp_path, tokenizer_folder, tiny_checkpoint):
    tokens = make_tokens(tmp_path / "tokens", tokenizer_folder, rows=4)
    other = make_checkpoint(tmp_path / "other", tokenizer_folder).path
    (other / "tokenizer.json").write_text((other / "tokenizer.json").read_text() + "\n")
    swapped = tmp_path / "swapped"
    shutil.copytree(tiny_checkpoint, swapped)
    settings = json.loads((swapped / "config.json").read_text())
    settings["id2label"] = dict(enumerate(LABELS[::-1]))
    (swapped / "config.json").write_text(json.dumps(settings))
    for start, kept in ((tiny_checkpoint, True), (other, False), (swapped, False)):
        model = start_classifier(start, tokens, keep_head=True)
        assert torch.equal(model.classifier.weight, read_tensors(start)["classifier.weight"]) == kept, start


def test_weights_of_another_shape_are_refused_in_one_line(tmp_path, tiny_tokens, tiny_checkpoint):
    shutil.copytree(tiny_checkpoint, tmp_path / "start")
    config = (tmp_path / "start" / "config.json").read_text()
    (tmp_path / "start" / "config.json").write_text(
        config.replace('"intermediate_size": 64', '"intermediate_size": 32')
    )
    with pytest.raises(InputError, match=r"has them in another shape, first bert\.encoder.layer.0.intermediate"):
        start_classifier(tmp_path / "start", expect(tiny_tokens, TOKENS))


def test_each_family_reads_as_long_as_its_longest_input_and_no_longer():
    """RoBERTa's positions begin after its padding id: of 40 it can use 38 where the padding is 1."""
    for padding in (0, 1, 3):
        config = RobertaConfig(vocab_size=50, max_position_embeddings=40, pad_token_id=padding, **SMALL)
        longest = longest_input(config.to_dict())
        assert longest == 39 - padding
        model = RobertaModel(config).eval()
        assert model(torch.full((1, longest), 7)).last_hidden_state.shape[1] == longest
        with pytest.raises((IndexError, RuntimeError)):
            model(torch.full((1, longest + 1), 7))
    assert longest_input({"model_type": "roberta", "max_position_embeddings": 514}) == 512
    assert longest_input({"model_type": "bert", "max_position_embeddings": 512, "pad_token_id": 0}) == 512
    assert longest_input({}) is None


def test_a_roberta_that_is_too_short_for_the_tokens_is_refused(tmp_path, tiny_tokens, tokenizer_folder):
    """The tokens have up to 32."""
    config = RobertaConfig(vocab_size=200, max_position_embeddings=33, **SMALL)
    start = keep(tmp_path / "start", tokenizer_folder, RobertaModel(config))
    with pytest.raises(InputError, match="reads at most 31 tokens"):
        start_classifier(start, expect(tiny_tokens, TOKENS))
