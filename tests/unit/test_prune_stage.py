"""The pruning stage on a 2-layer BERT and sixty-four sentences: targets, the floor, trimming, rounds to choose from."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, BertForSequenceClassification

from potstill.artifacts import CHECKPOINT, LATENCY, TOKENS, expect, seal
from potstill.coreml_export import CoremlExportConfig, export_coreml
from potstill.data.tokens import VALIDATION, read_split
from potstill.encoder.checkpoint import load_classifier, read_tensors, save_checkpoint
from potstill.errors import ArtifactError, InputError, OptionError
from potstill.measure.intervals import paired_loss_bound
from potstill.measure.torch_session import predict_torch
from potstill.onnx_export import OnnxExportConfig, export_onnx
from potstill.output_folder import creating
from potstill.prune import PruneConfig, prune_checkpoint
from potstill.prune.curve import read_curve
from potstill.prune.shape import shape_of
from potstill.qat import QatConfig, quantize_checkpoint
from potstill.teacher_train import TeacherTrainConfig, train_teacher
from potstill.tokenize import TokenizeConfig, tokenize_table
from potstill.training.scoring import right
from tests.conftest import LABELS, OPEN
from tests.pruned_models import mobilebert

EXACT = {"threads": 1, "dtype": "float32", "batch_size": 16, "learning_rate": 3e-3}
FAST = {**EXACT, "max_accuracy_drop": 100, "multiple": 1}


@pytest.fixture(scope="module")
def student(tmp_path_factory, tiny_tokens, tiny_checkpoint):
    folder = tmp_path_factory.mktemp("student") / "out"
    config = TeacherTrainConfig(epochs=6, **EXACT)
    train_teacher(tiny_tokens, tiny_checkpoint, folder, config)
    return folder


@pytest.fixture(scope="module")
def pruned(tmp_path_factory, student, tiny_tokens):
    """Three rounds down to half of everything, whatever it costs."""
    folder = tmp_path_factory.mktemp("pruned") / "out"
    prune_checkpoint(student, tiny_tokens, folder, PruneConfig(head_sparsity=0.5, **FAST))
    return folder


def run(tmp_path, student, tokens, name="out", **options):
    folders = {each: options.pop(each) for each in ("latency", "resume") if each in options}
    measures = prune_checkpoint(student, tokens, tmp_path / name, PruneConfig(**{**FAST, **options}), **folders)
    return measures, tmp_path / name


def test_every_round_is_kept_and_judged(pruned, student, tiny_tokens):
    curve = read_curve(pruned)
    assert [point.round for point in curve.points] == [None, 0, 1, 2, 3]
    assert (curve.stopped, curve.chosen) == ("schedule", 3)
    assert sorted(each.name for each in (pruned / "rounds").iterdir()) == ["0", "1", "2"]
    table = read_split(tiny_tokens, VALIDATION)
    before = right(predict_torch(load_classifier(student), table), table)
    for point in curve.points[1:]:
        folder = pruned / "rounds" / str(point.round) if point.round != 3 else pruned
        model = load_classifier(folder)
        after = right(predict_torch(model, table), table)
        assert point.accuracy == after.mean()
        assert point.lost_at_most == (100 * paired_loss_bound(before, after, 0.95) if point.round else 0)
        assert point.heads == shape_of(model.config).heads
        assert point.parameters == sum(each.numel() for each in model.parameters())
    sizes = [point.parameters for point in curve.points]
    assert sizes == sorted(sizes, reverse=True)


def test_the_drawing_and_the_curve_are_sealed_with_the_model(pruned):
    files = {each.path for each in expect(pruned, CHECKPOINT).files}
    assert {"curve.json", "curve.svg", "model.safetensors", "rounds/1/model.safetensors"} <= files


@pytest.mark.parametrize(
    ("option", "figure", "unit"),
    [("target_parameters", "parameters", 1), ("target_megabytes", "bytes", 1e6), ("target_megaflops", "flops", 1e6)],
)
def test_a_target_is_met_and_little_more_is_removed(tmp_path, student, tiny_tokens, pruned, option, figure, unit):
    points = read_curve(pruned).points
    wanted = (getattr(points[1], figure) + getattr(points[-1], figure)) / 2
    given = int(wanted) if unit == 1 else wanted / unit
    measures, folder = run(tmp_path, student, tiny_tokens, rounds=2, epochs=0, head_sparsity=0.5, **{option: given})
    end = read_curve(folder).points[-1]
    assert measures["target_reached"] == 1
    spare = (getattr(points[1], figure) - getattr(points[-1], figure)) / 20
    assert wanted - spare <= getattr(end, figure) <= wanted


def test_a_target_beyond_the_sparsities_is_refused_before_any_work(tmp_path, student, tiny_tokens):
    with pytest.raises(OptionError, match=r"target_parameters is 100, but the sparsities come down to \d+ at most"):
        run(tmp_path, student, tiny_tokens, target_parameters=100)
    assert not (tmp_path / "out").exists()


def test_the_stage_ends_where_the_target_is_met(tmp_path, student, tiny_tokens, pruned):
    """The first round of several may go far enough: width is cut in steps of `multiple`."""
    cuts = {"head_sparsity": 0, "ffn_sparsity": 0, "hidden_sparsity": 0.5, "multiple": 16, "rounds": 3, "epochs": 0}
    measures, folder = run(tmp_path, student, tiny_tokens, target_parameters=15000, **cuts)
    assert (measures["rounds"], measures["round"], measures["target_reached"]) == (1, 1, 1)
    assert read_curve(folder).stopped == "target"


def test_a_round_that_removes_nothing_must_not_lose_either(tmp_path, student, tiny_tokens):
    """Every neuron that may go is gone after the first round; what a later one unlearns is passed over."""
    cuts = {"head_sparsity": 0, "ffn_sparsity": 0.5, "multiple": 32, "rounds": 3, "epochs": 1, "learning_rate": 0.5}
    _, folder = run(tmp_path, student, tiny_tokens, **cuts)
    curve = read_curve(folder)
    smallest = min(point.parameters for point in curve.points)
    best = max(point.accuracy for point in curve.points if point.parameters == smallest)
    assert curve.at(curve.chosen).accuracy == best
    assert curve.stopped == "schedule"


def test_a_target_that_is_met_already_needs_no_round(tmp_path, student, tiny_tokens):
    measures, folder = run(tmp_path, student, tiny_tokens, target_parameters=10**9, trim_positions=False)
    assert (measures["rounds"], measures["round"], measures["target_reached"]) == (0, -1, 1)
    ours, theirs = read_tensors(folder), read_tensors(student)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_milliseconds_come_from_the_table(tmp_path, student, tiny_tokens):
    body = {
        "family": "bert", "hidden": 32, "head_size": 8, "length": 32, "format": "optimized", "threads": 1,
        "processor": "a phone", "base_ms": 1.0, "attention": {"1": 1.0, "4": 4.0}, "ffn": {"1": 0.0, "64": 6.3},
        "check": [],
    }  # fmt: skip
    with creating(tmp_path / "latency", LATENCY):
        (tmp_path / "latency" / "latency.json").write_text(json.dumps(body))
        seal(tmp_path / "latency", LATENCY, {"stage": "test"}, {}, {}, OPEN)
    table = tmp_path / "latency"
    with pytest.raises(OptionError, match="no latency table is given"):
        run(tmp_path, student, tiny_tokens, target_latency_ms=15.0)
    with pytest.raises(OptionError, match="hidden_sparsity must be 0 with a latency table"):
        run(tmp_path, student, tiny_tokens, hidden_sparsity=0.5, latency=table)
    options = {"head_sparsity": 0.5, "rounds": 2, "epochs": 0, "latency": table}
    _, folder = run(tmp_path, student, tiny_tokens, target_latency_ms=15.0, **options)
    points = read_curve(folder).points
    assert points[0].latency_ms == pytest.approx(1 + 2 * (4 + 6.3))
    for point in points:
        by_hand = 1 + sum(point.heads) + sum((neurons - 1) * 0.1 for neurons in point.neurons)
        assert point.latency_ms == pytest.approx(by_hand)
    assert 14 < points[-1].latency_ms <= 15
    assert read_curve(folder).clock == "one row of 32 tokens, by the latency table"
    assert expect(folder, CHECKPOINT).inputs["latency"] == expect(table, LATENCY).digest


def test_the_floor_is_judged_by_the_bound(tmp_path, student, tiny_tokens):
    """A round that is seen to lose less than is allowed, but may lose more, is undone."""
    cuts = {"head_sparsity": 0.5, "ffn_sparsity": 0.7, "epochs": 0, "rounds": 1}
    seen = read_curve(run(tmp_path, student, tiny_tokens, "seen", **cuts)[1]).points[-1]
    allowed = (seen.lost + seen.lost_at_most) / 2
    measures, folder = run(tmp_path, student, tiny_tokens, **cuts, max_accuracy_drop=allowed)
    curve = read_curve(folder)
    end = curve.points[-1]
    assert end.lost < allowed < end.lost_at_most
    assert not end.above_floor
    assert measures["target_reached"] == 0
    assert (curve.stopped, curve.chosen) == ("floor", 0)
    assert expect(folder, CHECKPOINT).meaning["stopped"] == "floor"
    ours, theirs = read_tensors(folder), read_tensors(student)
    name = "bert.encoder.layer.0.output.dense.weight"
    assert torch.equal(ours[name], theirs[name])
    assert load_classifier(folder / "rounds" / "1").num_parameters() == end.parameters


def test_positions_that_no_text_has_cost_nothing_and_need_no_bound(tmp_path, student, tiny_tokens):
    _, folder = run(tmp_path, student, tiny_tokens, ffn_sparsity=0, head_sparsity=0, rounds=1, epochs=0)
    assert read_curve(folder).at(0).lost_at_most == 0


def test_a_floor_that_the_rows_cannot_show_is_refused(tmp_path, student, tiny_tokens):
    told = r"64 validation rows cannot show that at most 2 points are lost: even where nothing is, the bound is 4\.57"
    with pytest.raises(OptionError, match=told):
        run(tmp_path, student, tiny_tokens, max_accuracy_drop=2.0)
    assert not (tmp_path / "out").exists()


def test_a_run_that_stopped_goes_on_to_the_same_bytes(tmp_path, student, tiny_tokens, pruned):
    _, first = run(tmp_path, student, tiny_tokens, "first", head_sparsity=0.5, stop_after=1)
    assert read_curve(first).stopped == "stop_after"
    _, second = run(tmp_path, student, tiny_tokens, "second", head_sparsity=0.5, resume=first)
    assert (second / "model.safetensors").read_bytes() == (pruned / "model.safetensors").read_bytes()
    assert (second / "curve.json").read_bytes() == (pruned / "curve.json").read_bytes()
    assert expect(second, CHECKPOINT).inputs["resume"] == expect(first, CHECKPOINT).digest


def test_another_work_is_not_gone_on_with(tmp_path, student, tiny_tokens, tiny_checkpoint, pruned):
    with pytest.raises(InputError, match=r"is another work: head_sparsity was 0\.5, now it is 0\.25"):
        run(tmp_path, student, tiny_tokens, resume=pruned)
    with pytest.raises(InputError, match="is another work: student was"):
        run(tmp_path, tiny_checkpoint, tiny_tokens, head_sparsity=0.5, resume=pruned)
    with pytest.raises(InputError, match="was made by teacher-train; --resume takes what prune wrote"):
        run(tmp_path, student, tiny_tokens, resume=student)


def test_the_same_work_gives_the_same_bytes(tmp_path, student, tiny_tokens):
    options = {"rounds": 2, "importance": "random", "drop_layers": 1, "hidden_sparsity": 0.25}
    digests = [expect(run(tmp_path, student, tiny_tokens, name, **options)[1], CHECKPOINT).digest for name in "ab"]
    assert digests[0] == digests[1]


@pytest.mark.parametrize("importance", ["taylor", "movement", "l1", "l2", "random"])
def test_every_importance_prunes(tmp_path, student, tiny_tokens, importance):
    measures, folder = run(tmp_path, student, tiny_tokens, rounds=1, importance=importance, importance_split="train")
    shape = shape_of(load_classifier(folder).config)
    assert (sum(shape.heads), sum(shape.neurons)) == (6, 64)
    assert measures["validation_accuracy"] > 0.5


def test_layers_width_and_positions_go_too(tmp_path, student, tiny_tokens):
    measures, folder = run(
        tmp_path, student, tiny_tokens, rounds=1, drop_layers=1, hidden_sparsity=0.25, multiple=8, head_sparsity=0
    )
    model = load_classifier(folder)
    assert (measures["layers"], model.config.hidden_size, model.config.max_position_embeddings) == (1, 24, 32)
    opened = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True)
    table = read_split(tiny_tokens, VALIDATION)
    assert (predict_torch(opened, table) == predict_torch(model, table)).all()


def test_a_uniform_result_is_plain_bert(tmp_path, student, tiny_tokens):
    _, folder = run(tmp_path, student, tiny_tokens, rounds=1, head_sparsity=0, uniform=True)
    assert json.loads((folder / "config.json").read_text())["model_type"] == "bert"
    assert BertForSequenceClassification.from_pretrained(folder, local_files_only=True).config.intermediate_size == 32


def test_the_vocabulary_goes_with_an_id_map(tmp_path, student, tiny_tokens):
    measures, folder = run(
        tmp_path, student, tiny_tokens, rounds=1, epochs=0, head_sparsity=0, ffn_sparsity=0, vocabulary_min_count=1
    )
    kept = json.loads((folder / "vocabulary.json").read_text())["kept"]
    ours, theirs = (read_tensors(each)["bert.embeddings.word_embeddings.weight"] for each in (folder, student))
    assert len(kept) == measures["vocabulary"] < len(theirs)
    assert torch.equal(ours, theirs[torch.tensor(kept)])
    found = expect(folder, CHECKPOINT).meaning["vocabulary"]
    assert found["unknown_rate_after"] == found["unknown_rate_before"]
    assert read_curve(folder).at(0).lost == 0  # every piece that a text has is still there


def test_what_follows_refuses_the_tokens_of_before(tmp_path, student, tiny_tokens):
    _, folder = run(tmp_path, student, tiny_tokens, rounds=1, epochs=0, vocabulary_min_count=1)
    stages = {
        "qat": lambda tokens, out: quantize_checkpoint(folder, tokens, out, QatConfig(rows=16, **EXACT)),
        "onnx": lambda tokens, out: export_onnx(folder, tokens, out, OnnxExportConfig()),
        "coreml": lambda tokens, out: export_coreml(folder, tokens, out, CoremlExportConfig()),
    }
    for name, stage in stages.items():
        with pytest.raises(InputError, match=f"potstill tokenize --data {tiny_tokens} --start {folder}"):
            stage(tiny_tokens, tmp_path / name)
    tokenize_table(tiny_tokens, folder, tmp_path / "anew", TokenizeConfig(max_length=32))
    with pytest.raises(InputError, match="leave --teacher out"):
        quantize_checkpoint(folder, tmp_path / "anew", tmp_path / "qat", QatConfig(rows=16, **EXACT), teacher=student)
    stages["qat"](tmp_path / "anew", tmp_path / "qat")


def test_too_many_unknown_words_are_refused(tmp_path, student, tiny_tokens):
    with pytest.raises(InputError, match="UNK"):
        run(tmp_path, student, tiny_tokens, vocabulary_coverage=0.3)
    assert not (tmp_path / "out").exists()


def test_another_tokenizer_is_refused(tmp_path, student, tiny_tokens):
    _, folder = run(tmp_path, student, tiny_tokens, rounds=1, epochs=0, vocabulary_min_count=1)
    with pytest.raises(InputError, match="different tokenizers"):
        run(tmp_path, folder, tiny_tokens, "again", rounds=1)


@pytest.fixture(scope="module")
def mobile(tmp_path_factory, tokenizer_folder, tiny_tokens):
    """checkpoint/v1 with a random MobileBERT of three layers."""
    vocabulary = expect(tiny_tokens, TOKENS).meaning["vocabulary_size"]
    folder = tmp_path_factory.mktemp("mobile") / "out"
    with creating(folder, CHECKPOINT):
        save_checkpoint(mobilebert(vocabulary), tokenizer_folder, folder)
        seal(folder, CHECKPOINT, {"stage": "test"}, {}, {"labels": LABELS, "max_length": 32}, OPEN)
    return folder


def test_a_mobilebert_gives_up_what_is_safe(tmp_path, mobile, tiny_tokens):
    options = {"rounds": 1, "head_sparsity": 0, "drop_layers": 1, "vocabulary_min_count": 1, "multiple": 2}
    measures, folder = run(tmp_path, mobile, tiny_tokens, **options)
    before, after = (shape_of(load_classifier(each).config) for each in (mobile, folder))
    assert (before.layers, after.layers) == (3, 2)
    assert sum(after.neurons) == sum(before.neurons) / 3
    assert after.vocabulary < before.vocabulary
    assert (before.positions, after.positions) == (64, 32)
    assert measures["rounds"] == 1


@pytest.mark.parametrize(("option", "why"), [("head_sparsity", "few"), ("hidden_sparsity", "NoNorm")])
def test_a_mobilebert_keeps_the_rest_and_says_why(tmp_path, mobile, tiny_tokens, option, why):
    with pytest.raises(InputError, match=f"{option} must be 0, got 0.25: .*{why}"):
        run(tmp_path, mobile, tiny_tokens, **{"head_sparsity": 0, option: 0.25})


def test_a_multiple_that_lets_nothing_go_is_refused(tmp_path, student, tiny_tokens):
    with pytest.raises(OptionError, match="multiple must be less than 64, the width that ffn_sparsity is to cut"):
        run(tmp_path, student, tiny_tokens, multiple=64)
    with pytest.raises(OptionError, match="less than 32, the width that hidden_sparsity"):
        run(tmp_path, student, tiny_tokens, ffn_sparsity=0, hidden_sparsity=0.5, multiple=32)


def test_a_floor_of_nothing_is_refused(tmp_path, student, tiny_tokens):
    with pytest.raises(OptionError, match="max_accuracy_drop must be above 0"):
        run(tmp_path, student, tiny_tokens, max_accuracy_drop=0)


def test_a_table_that_is_not_sealed_is_refused(tmp_path, student, tiny_tokens):
    (tmp_path / "phone.json").write_text("{}")
    with pytest.raises(InputError, match="is a file; seal it first: potstill latency-table --from-json"):
        run(tmp_path, student, tiny_tokens, latency=tmp_path / "phone.json")


def test_layers_must_stay(tmp_path, student, tiny_tokens):
    with pytest.raises(OptionError, match="drop_layers must leave a layer"):
        run(tmp_path, student, tiny_tokens, drop_layers=2)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"importance": "hessian"}, "importance must be one of taylor, movement, l1, l2, random"),
        ({"importance_split": "test"}, "importance_split must be one of validation, train"),
        ({"stop_after": 4}, "stop_after must be at most rounds"),
        ({"vocabulary_min_count": 2, "vocabulary_coverage": 0.9}, "vocabulary_min_count"),
        ({"confidence": 0.5}, "confidence"),
        ({"head_sparsity": 1.0}, "head_sparsity"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, told):
    with pytest.raises(OptionError, match=told):
        PruneConfig(**options)


def test_rounds_need_not_be_kept(tmp_path, student, tiny_tokens):
    _, folder = run(tmp_path, student, tiny_tokens, rounds=2, epochs=0, keep_rounds=False)
    assert not (folder / "rounds").exists()
    assert len(read_curve(folder).points) == 4


def test_without_labelled_rows_importance_has_nothing_to_go_by(tmp_path, student, tiny_tokens, monkeypatch):
    table = read_split(tiny_tokens, VALIDATION)
    bare = replace(table, labels=np.full(len(table), -100))
    monkeypatch.setattr("potstill.prune.trim.read_split", lambda *_: bare)
    with pytest.raises((InputError, ArtifactError), match="no labelled rows"):
        run(tmp_path, student, tiny_tokens)
