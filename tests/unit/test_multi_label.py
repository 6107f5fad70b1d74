"""Several labels a row, from the table to the trained classifier, against sets and loops."""

import json
import math
import random

import numpy as np
import onnx
import pyarrow.parquet as pq
import pytest
import torch
from conftest import MONEY, SPORT
from transformers import AutoModelForSequenceClassification

from potstill.artifacts import CHECKPOINT, ONNX, TOKENS, expect
from potstill.coreml_export import CoremlExportConfig, export_coreml
from potstill.data.tokens import (
    NO_LABEL,
    SPLITS,
    TEST,
    TRAIN,
    UNLABELLED,
    VALIDATION,
    concatenate,
    read_split,
    split_path,
)
from potstill.distill import DistillConfig, distill_student
from potstill.encoder.checkpoint import load_classifier
from potstill.encoder.multi_label import PROBLEM_TYPE, is_multi_label, require_same_kind
from potstill.encoder.students import Shape, build_student
from potstill.errors import InputError, OptionError
from potstill.measure.parity import compare
from potstill.measure.torch_session import predict_torch
from potstill.onnx_export import OnnxExportConfig, export_onnx
from potstill.prune import PruneConfig, prune_checkpoint
from potstill.qat import QatConfig, quantize_checkpoint
from potstill.teacher_train import TeacherTrainConfig, train_teacher
from potstill.tokenize import TokenizeConfig, tokenize_table
from potstill.tokenize.label_sets import names_of
from potstill.training.binary_cross_entropy import BinaryCrossEntropy
from potstill.training.cross_entropy import CrossEntropy
from potstill.training.objective import Inputs
from potstill.training.scoring import agreement_with, micro_f1, nearness_on, right
from potstill.training.task import label_objective, score_on
from potstill.validate import ValidateConfig, validate_models

FAST = {"threads": 1, "dtype": "float32", "batch_size": 16}
LABELS = ["体育", "财经"]
SEPARATED = TokenizeConfig(label_separator="|", max_length=32, test_share=0.2, validation_share=0.2)


def rows_of(count, seed=0):
    """Texts about sport, money, both or neither, with the set of what they are about; some nobody labelled."""
    draw, rows = random.Random(seed), []
    for number in range(count):
        topics = {label for label in LABELS if draw.random() < 0.5}
        phrases = [draw.choice(each) for label, each in zip(LABELS, (SPORT, MONEY), strict=True) if label in topics]
        rows.append((f"{''.join(phrases)}abc{number}", None if draw.random() < 0.1 else topics))
    return rows


def spell(topics, draw):
    """One of the ways in which a set is written: any order, spaces, a name twice, a separator too many."""
    if topics is None:
        return draw.choice(["", "  "])
    names = [f"{draw.choice(['', ' '])}{name}" for name in draw.sample(sorted(topics), len(topics))]
    return "|".join(names + draw.choice([[], names[:1], [""]])) or "|"


def write_table(path, rows, seed=0):
    draw = random.Random(seed)
    lines = [f"{text}\t{spell(topics, draw)}\n" for text, topics in draw.sample(rows, len(rows))]
    path.write_text("text\tlabel\n" + "".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def tokens(tmp_path_factory, tokenizer_folder):
    folder = tmp_path_factory.mktemp("several")
    tokenize_table(write_table(folder / "t.tsv", rows_of(300)), tokenizer_folder, folder / "tokens", SEPARATED)
    return folder / "tokens"


@pytest.fixture(scope="module")
def teacher(tmp_path_factory, tokens, tiny_checkpoint):
    folder = tmp_path_factory.mktemp("several_teacher") / "out"
    config = TeacherTrainConfig(epochs=6, learning_rate=3e-3, **FAST)
    measures = train_teacher(tokens, tiny_checkpoint, folder, config)
    assert measures["validation_micro_f1"] > 0.9  # of chance: 0.5
    assert measures["validation_accuracy"] > 0.8  # of chance: 0.25
    return folder


@pytest.mark.parametrize(
    ("cell", "names"),
    [("体育|财经", LABELS), (" 财经 | 体育|财经", LABELS), ("体育|", LABELS[:1]), ("|", []), (" | ", []), ("", [])],
)
def test_names_in_a_cell(cell, names):
    assert names_of(cell, "|") == names


def test_a_cell_without_separator_is_one_name():
    assert names_of(" 体育|财经 ", "") == ["体育|财经"]


def test_every_row_keeps_its_labels(tokens):
    wanted, found = dict(rows_of(300)), {}
    artifact = expect(tokens, TOKENS)
    assert artifact.meaning["multi_label"] is True
    assert artifact.meaning["labels"] == LABELS
    for split in SPLITS:
        for row in pq.read_table(split_path(tokens, split)).to_pylist():
            found[row["text"]] = None if row["labels"] is None else {LABELS[number] for number in row["labels"]}
            assert (row["labels"] is None) == (split == UNLABELLED)
    assert found == wanted
    assert set() in found.values()


def test_the_table_has_a_column_per_label(tokens):
    table, rows = read_split(tokens, TRAIN), pq.read_table(split_path(tokens, TRAIN)).to_pylist()
    slow = [[int(number in row["labels"]) for number in range(2)] for row in rows]
    assert table.multi_label
    assert table.labels.dtype == np.int64
    assert table.labels.tolist() == slow
    assert table.take([3, 0]).labels.tolist() == [slow[3], slow[0]]
    unlabelled = read_split(tokens, UNLABELLED)
    assert unlabelled.labels.tolist() == [[NO_LABEL, NO_LABEL]] * len(unlabelled)


def test_unlabelled_rows_of_another_set_are_joined(tokens, tiny_tokens):
    train, further = read_split(tokens, TRAIN), read_split(tiny_tokens, UNLABELLED)
    joined = concatenate([train, further])
    assert joined.labels.shape == (len(train) + len(further), 2)
    assert (joined.labels[len(train) :] == NO_LABEL).all()
    assert not concatenate([further, further]).multi_label


def test_how_a_set_is_written_changes_no_byte(tmp_path, tokenizer_folder):
    for name, seed in (("one", 1), ("two", 2)):
        data = write_table(tmp_path / f"{name}.tsv", rows_of(120), seed)
        tokenize_table(data, tokenizer_folder, tmp_path / name, SEPARATED)
    one, two = (expect(tmp_path / name, TOKENS) for name in ("one", "two"))
    assert one.files == two.files
    tokenize_table(tmp_path / "one.tsv", tokenizer_folder, tmp_path / "again", SEPARATED)
    assert expect(tmp_path / "again", TOKENS).digest == one.digest


def test_statistics_count_every_label(tokens):
    told = json.loads((tokens / "statistics.json").read_text())["splits"]
    for split in (TRAIN, VALIDATION, TEST):
        sums = read_split(tokens, split).labels.sum(0)
        assert told[split]["labels"] == dict(zip(LABELS, sums.tolist(), strict=True))


def test_copies_with_other_labels_contradict_each_other(tmp_path, tokenizer_folder):
    topics = [("体育", "体育|财经"), ("体育|财经", "财经|体育"), ("|", "体育"), ("|", "|"), ("", "财经")]
    lines = [f"{text}\t{cell}\n" for text, cells in zip("国足姚明网", topics, strict=True) for cell in cells]
    (tmp_path / "t.tsv").write_text("text\tlabel\n" + "".join(lines), encoding="utf-8")
    config = TokenizeConfig(label_separator="|", test_share=0, validation_share=0)
    measures = tokenize_table(tmp_path / "t.tsv", tokenizer_folder, tmp_path / "out", config)
    assert (measures["conflicts"], measures["duplicates"], measures["rows_train"]) == (4, 3, 3)
    rows = pq.read_table(split_path(tmp_path / "out", TRAIN)).to_pylist()
    assert {row["text"]: row["labels"] for row in rows} == {"足": [0, 1], "明": [], "网": [1]}


def test_labels_have_the_numbers_of_the_classifier_in_start(tmp_path, tokens, teacher):
    settings = json.loads((teacher / "config.json").read_text())
    assert settings["id2label"] == {"0": "体育", "1": "财经"}
    start = tmp_path / "start"
    start.mkdir()
    (start / "config.json").write_text(json.dumps(settings | {"id2label": {"0": "财经", "1": "体育", "2": "娱乐"}}))
    (start / "tokenizer.json").write_bytes((teacher / "tokenizer.json").read_bytes())
    (start / "tokenizer_config.json").write_bytes((teacher / "tokenizer_config.json").read_bytes())
    data = write_table(tmp_path / "t.tsv", rows_of(60))
    config = TokenizeConfig(label_separator="|", labels_of_start=True, max_length=32)
    tokenize_table(data, start, tmp_path / "out", config)
    assert expect(tmp_path / "out", TOKENS).meaning["labels"] == ["财经", "体育", "娱乐"]
    wanted = dict(rows_of(60))
    for row in pq.read_table(split_path(tmp_path / "out", TRAIN)).to_pylist():
        assert row["labels"] == [number for number, name in enumerate(["财经", "体育"]) if name in wanted[row["text"]]]


def test_one_label_a_row_says_nothing_of_several(tmp_path, tokenizer_folder):
    (tmp_path / "t.csv").write_text("text,label\n" + "".join(f"国{i},{LABELS[i % 2]}\n" for i in range(60)))
    tokenize_table(tmp_path / "t.csv", tokenizer_folder, tmp_path / "out", TokenizeConfig())
    artifact = expect(tmp_path / "out", TOKENS)
    assert "multi_label" not in artifact.meaning
    assert not is_multi_label(artifact)
    assert not read_split(tmp_path / "out", TRAIN).multi_label


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"label_separator": " "}, "must not begin or end with white space"),
        ({"label_separator": ", "}, "must not begin or end with white space"),
        ({"label_separator": "|", "label_column": ""}, "needs a label column"),
    ],
)
def test_a_separator_that_cannot_separate_is_refused(options, said):
    with pytest.raises(OptionError, match=said):
        TokenizeConfig(**options)


def test_teacher_is_a_stock_multi_label_classifier(teacher, tokens):
    model = AutoModelForSequenceClassification.from_pretrained(teacher, local_files_only=True)
    assert model.config.problem_type == PROBLEM_TYPE
    assert is_multi_label(expect(teacher, CHECKPOINT))
    table = read_split(tokens, TEST)
    row, truth = torch.from_numpy(table.row(0).astype(np.int64))[None], torch.from_numpy(table.labels[:1]).float()
    assert torch.isfinite(model(input_ids=row, labels=truth).loss)


def test_students_are_multi_label_too(teacher, tokens):
    artifact, large = expect(tokens, TOKENS), load_classifier(teacher)
    for name, init in (("layers-of-teacher", "teacher"), ("custom", "random"), ("mobilebert", "random")):
        student = build_student(name, Shape(1, 16, 2, 32), init, [0], large, artifact, None)
        assert student.config.problem_type == PROBLEM_TYPE
    student = build_student("custom", Shape(1, 16, 2, 32), "checkpoint", [0], large, artifact, teacher)
    assert student.config.problem_type == PROBLEM_TYPE


def test_a_student_is_distilled_beside_its_control(tmp_path, tokens, teacher):
    config = DistillConfig(layers=1, epochs=6, learning_rate=3e-3, control=True, **FAST)
    measures = distill_student(teacher, tokens, tmp_path / "out", config)
    assert measures["teacher_agreement"] > 0.8  # of whole sets; of chance: 0.25
    assert measures["control_test_accuracy"] > 0.5
    assert is_multi_label(expect(tmp_path / "out", CHECKPOINT))


def test_class_weights_of_several_labels_are_refused(tmp_path, tokens, tiny_checkpoint):
    config = TeacherTrainConfig(class_weights="balanced", **FAST)
    with pytest.raises(OptionError, match="class_weights must be none where rows have several labels"):
        train_teacher(tokens, tiny_checkpoint, tmp_path / "out", config)


def test_a_multi_label_start_becomes_a_teacher_of_one_label(tmp_path, teacher, tiny_tokens):
    train_teacher(tiny_tokens, teacher, tmp_path / "out", TeacherTrainConfig(epochs=0, **FAST))
    assert not is_multi_label(expect(tmp_path / "out", CHECKPOINT))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_binary_cross_entropy_is_the_slow_one(smoothing):
    logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0], [1.0, 1.0, 1.0]])
    labels = [[1, 0, 1], [0, 1, 1], [NO_LABEL] * 3]

    def model(**_):
        return type("Output", (), {"logits": logits})

    slow = 0.0
    for row, truths in zip(logits[:2].tolist(), labels, strict=False):
        for logit, truth in zip(row, truths, strict=True):
            yes, target = 1 / (1 + math.exp(-logit)), truth * (1 - smoothing) + smoothing * 0.5
            slow -= target * math.log(yes) + (1 - target) * math.log(1 - yes)
    rows = torch.arange(3)
    batch = Inputs(rows, rows[:, None], torch.ones(3, 1, dtype=torch.int64), torch.tensor(labels))
    assert float(BinaryCrossEntropy(smoothing)(model, batch)) == pytest.approx(slow / 2, rel=1e-5)


def test_scores_are_the_slow_ones(teacher, tokens):
    table = read_split(tokens, TEST)
    logits = np.random.Generator(np.random.PCG64(0)).normal(size=table.labels.shape).astype(np.float32)
    counts = {"tp": 0, "wrong": 0}
    exact = []
    for row, truths in zip(logits.tolist(), table.labels.tolist(), strict=True):
        predicted = [int(logit > 0) for logit in row]
        counts["tp"] += sum(p * t for p, t in zip(predicted, truths, strict=True))
        counts["wrong"] += sum(p != t for p, t in zip(predicted, truths, strict=True))
        exact.append(predicted == truths)
    assert micro_f1(logits, table) == pytest.approx(2 * counts["tp"] / (2 * counts["tp"] + counts["wrong"]))
    assert right(logits, table).tolist() == exact
    same = torch.from_numpy(predict_torch(load_classifier(teacher), table))
    assert agreement_with(same, load_classifier(teacher), table) == 1
    assert nearness_on(table, same, 2.0)(load_classifier(teacher)) == pytest.approx(0, abs=1e-6)


def test_f1_of_rows_to_which_nothing_applies(tokens):
    table = read_split(tokens, TEST)
    none = table.take(np.flatnonzero(table.labels.sum(1) == 0))
    assert micro_f1(np.full(none.labels.shape, -1, np.float32), none) == 1
    assert micro_f1(np.full(none.labels.shape, 1, np.float32), none) == 0


def test_the_token_set_chooses_loss_and_score(tokens, tiny_tokens, teacher):
    assert isinstance(label_objective(expect(tokens, TOKENS)), BinaryCrossEntropy)
    assert isinstance(label_objective(expect(tiny_tokens, TOKENS)), CrossEntropy)
    model, table = load_classifier(teacher), read_split(tokens, VALIDATION)
    assert score_on(table)(model) == micro_f1(predict_torch(model, table), table)
    single = read_split(tiny_tokens, VALIDATION)
    assert score_on(single)(model) == (predict_torch(model, single).argmax(1) == single.labels).mean()


def test_parity_compares_sets():
    found, wanted = np.array([[1, -1], [2, 1]], np.float32), np.array([[1, -1], [2, -1]], np.float32)
    assert compare(found, wanted, "ab").agreement == 1
    assert compare(found, wanted, "ab", multi_label=True).agreement == 0.5


def test_onnx_files_say_that_labels_are_several(tmp_path, teacher, tokens):
    export_onnx(teacher, tokens, tmp_path / "out", OnnxExportConfig(parity_rows=16))
    artifact = expect(tmp_path / "out", ONNX)
    assert artifact.meaning["multi_label"] is True
    assert artifact.meaning["parity"]["fp32"]["agreement"] == 1
    told = {each.key: each.value for each in onnx.load(tmp_path / "out" / "model.onnx").metadata_props}
    assert told["multi_label"] == "true"


def test_stages_for_one_label_refuse_several(tmp_path, tokens, teacher, tiny_tokens, tiny_checkpoint):
    calls = {
        "prune": lambda model, table: prune_checkpoint(model, table, tmp_path / "out", PruneConfig()),
        "qat": lambda model, table: quantize_checkpoint(model, table, tmp_path / "out", QatConfig()),
        "validate": lambda model, table: validate_models(table, model, tmp_path / "out", ValidateConfig()),
    }
    for stage, call in calls.items():
        for model, table in ((teacher, tiny_tokens), (tiny_checkpoint, tokens), (teacher, tokens)):
            with pytest.raises(InputError, match=f"multi-label; {stage} reads one label per row. Leave {stage} out"):
                call(model, table)
    with pytest.raises(InputError, match="is multi-label; coreml-export reads one label per row"):
        export_coreml(teacher, tiny_tokens, tmp_path / "out", CoremlExportConfig())
    assert not (tmp_path / "out").exists()


def test_a_teacher_of_the_other_kind_is_refused(tokens, teacher, tiny_tokens, tiny_checkpoint):
    several, one = expect(tokens, TOKENS), expect(tiny_tokens, TOKENS)
    require_same_kind(expect(teacher, CHECKPOINT), several)
    require_same_kind(expect(tiny_checkpoint, CHECKPOINT), one)
    with pytest.raises(InputError, match=r"for one label per row, .* is multi-label; train the model on these tokens"):
        require_same_kind(expect(tiny_checkpoint, CHECKPOINT), several)
