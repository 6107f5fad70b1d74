"""What validate tells beyond accuracy: loss, agreement, robustness, text in, trainings, memory; by slow references."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from potstill.artifacts import CHECKPOINT, expect, seal
from potstill.data.tokens import TEST, read_row_ids, read_split, read_texts
from potstill.errors import InputError
from potstill.measure.non_inferiority import loss_at_most, mcnemar_p
from potstill.onnx_export import OnnxExportConfig, export_onnx
from potstill.output_folder import creating
from potstill.validate import ValidateConfig, validate_models
from potstill.validate.facts.training_curves import training_curves
from potstill.validate.figures import read_figures
from tests.conftest import LABELS, MAKER, OPEN, make_checkpoint
from tests.validating import only

ASKED = 20  # rows that are disturbed


@pytest.fixture(scope="module")
def onnx(tmp_path_factory, tiny_tokens, tiny_checkpoint):
    folder = tmp_path_factory.mktemp("made") / "onnx"
    export_onnx(tiny_checkpoint, tiny_tokens, folder, OnnxExportConfig(formats="fp32,int8", minimum_agreement=0.5))
    return folder


@pytest.fixture(scope="module")
def judged(tmp_path_factory, tiny_tokens, tiny_checkpoint, tokenizer_folder, onnx):
    """A whole run with a teacher and ONNX files; gives the folder of report and report.json."""
    folder = tmp_path_factory.mktemp("made")
    teacher = make_checkpoint(folder / "teacher", tokenizer_folder, layers=1, seed=9).path
    config = ValidateConfig(latency_rows=3, latency_warmup=1, robustness_rows=ASKED, threads=1, budgets=only())
    validate_models(tiny_tokens, tiny_checkpoint, folder / "report", config, onnx=onnx, teacher=teacher)
    return folder


@pytest.fixture(scope="module")
def figures(judged):
    return read_figures(judged / "report.json")


@pytest.fixture(scope="module")
def predicted(judged):
    """Every model's label of every row, by name."""
    columns = pq.read_table(judged / "report" / "predictions.parquet").to_pydict()
    return {name: np.array(values) for name, values in columns.items()}


def test_losses_are_counted_row_by_row(figures, predicted):
    truth, teacher = predicted["label"], predicted["teacher"]
    assert figures["reference"] == "teacher"
    assert figures["models"]["teacher"]["loss"] is None
    for name in ("majority", "tfidf", "model", "onnx_fp32", "onnx_int8"):
        loss = figures["models"][name]["loss"]
        pairs = list(zip(teacher == truth, predicted[name] == truth, strict=True))
        lost, gained = pairs.count((True, False)), pairs.count((False, True))
        assert (loss["lost_rows"], loss["gained_rows"], loss["rows"]) == (lost, gained, len(truth))
        assert loss["lost"] == pytest.approx(
            figures["models"]["teacher"]["accuracy"] - figures["models"][name]["accuracy"]
        )
        assert loss["low"] <= loss["lost"] <= loss["high"]
        assert loss["at_most"] == loss_at_most(lost, gained, len(truth))
        assert loss["mcnemar_p"] == mcnemar_p(lost, gained)
        assert sum(each["lost_rows"] for each in loss["classes"]) == lost
        assert [each["rows"] for each in loss["classes"]] == [int((truth == label).sum()) for label in (0, 1)]


def test_agreement_is_of_every_two_models(figures, predicted):
    names, matrix = figures["agreement"]["names"], figures["agreement"]["matrix"]
    assert names == ["majority", "tfidf", "teacher", "model", "onnx_fp32", "onnx_int8"]
    for row, one in enumerate(names):
        for column, other in enumerate(names):
            assert matrix[row][column] == (predicted[one] == predicted[other]).mean()


def test_the_worst_rows_are_those_that_the_teacher_was_surest_of(figures, predicted, tiny_tokens):
    texts = dict(zip(read_row_ids(tiny_tokens, TEST), read_texts(tiny_tokens, TEST), strict=True))
    worst, truth = figures["worst"]["onnx_int8"], predicted["label"]
    wrong = (predicted["onnx_int8"] != truth) & (predicted["teacher"] == truth)
    assert len(worst) == min(12, int(wrong.sum())) > 0
    sure = [each["reference_probability"] for each in worst]
    assert sure == sorted(sure, reverse=True)
    assert sure[0] == pytest.approx(predicted["teacher_probability"][wrong].max(), abs=1e-6)
    for each in worst:
        assert each["text"] == texts[each["row_id"]]
        assert each["reference"] == each["truth"] != each["predicted"]


def test_disturbed_rows_are_some_of_the_test_rows(figures, predicted):
    found = figures["robustness"]
    assert found["rows"] == ASKED
    assert found["models"] == ["tfidf", "teacher", "onnx_int8"]
    chosen = np.arange(ASKED) * len(predicted["label"]) // ASKED
    for name in found["models"]:
        clean = (predicted[name] == predicted["label"])[chosen].mean()
        assert {each["models"][name]["clean"] for each in found["disturbances"]} == {clean}
    same = next(each for each in found["disturbances"] if each["name"] == "simplified")  # they are simplified already
    assert same["changed"] == 0
    assert same["models"]["onnx_int8"]["lost"] == 0
    assert found["empty"]["onnx_int8"]["label"] in LABELS


def test_an_app_that_has_the_files_alone_gets_the_ids_that_were_judged(figures, tiny_tokens):
    rows = len(read_split(tiny_tokens, TEST))
    assert figures["from_text"] == {"onnx": {"rows": rows, "same": rows}}


def test_every_file_is_opened_in_a_process_of_its_own(figures):
    assert set(figures["footprint"]["models"]) == {"teacher", "model", "onnx_fp32", "onnx_int8"}
    assert all(each["cold_start_ms"] > 0 for each in figures["footprint"]["models"].values())


def test_lengths_end_with_the_longest_row(figures, tiny_tokens):
    longest = int(read_split(tiny_tokens, TEST).lengths.max())
    for points in figures["latency"]["lengths"].values():
        assert [each["tokens"] for each in points][-1] == longest
    assert set(figures["latency"]["samples"]) == set(figures["latency"]["models"])


def test_sizes_by_part_make_the_size(figures):
    for name in ("teacher", "model", "onnx_fp32", "onnx_int8"):
        model = figures["models"][name]
        assert sum(model["size_parts"].values()) == model["bytes"]


def test_the_verdict_alone_is_a_file_too(judged, figures):
    told = json.loads((judged / "report.verdict.json").read_text(encoding="utf-8"))
    assert told["schema"] == "potstill/verdict/v1"
    assert (told["verdict"], told["report"]) == ("pass", figures["report"])
    assert (judged / "report.card.md").read_text(encoding="utf-8").startswith("---\n")


def trained(folder, checkpoint, training, stage):
    """A checkpoint whose manifest tells of a training."""
    with creating(folder, CHECKPOINT):
        for file in checkpoint.iterdir():
            if file.name != "artifact.json":
                (folder / file.name).write_bytes(file.read_bytes())
        meaning = {"labels": LABELS, "max_length": 32, "training": training}
        return seal(folder, CHECKPOINT, {**MAKER, "stage": stage}, {}, meaning, OPEN)


def test_trainings_are_told_as_the_manifests_tell_them(tmp_path, tiny_checkpoint):
    one = {"loss_per_epoch": [2.0, 1.0], "validation_score_per_epoch": [0.5, 0.75], "best_epoch": 2}
    other = {"loss_per_epoch": [0.5], "validation_score_per_epoch": [-0.25], "best_epoch": 1}
    inputs = {
        "teacher": trained(tmp_path / "teacher", tiny_checkpoint, one, "teacher-train"),
        "student": trained(tmp_path / "student", tiny_checkpoint, [other, one], "distill"),
        "model": trained(tmp_path / "model", tiny_checkpoint, None, "qat"),
    }
    found = training_curves(inputs)
    assert [each["name"] for each in found] == ["Teacher", "Student, part 1", "Student, part 2"]
    assert [each["score_name"] for each in found][:2] == ["validation accuracy", "−loss in validation"]
    assert found[0]["loss"] == [2.0, 1.0]
    assert found[1]["best_epoch"] == 1


def test_one_checkpoint_given_twice_is_one_training(tmp_path, tiny_checkpoint):
    facts = {"loss_per_epoch": [2.0], "validation_score_per_epoch": [0.5], "best_epoch": 1}
    same = trained(tmp_path / "one", tiny_checkpoint, facts, "distill")
    assert len(training_curves({"student": same, "pruned": same, "model": same})) == 1


def test_measurements_of_a_model_that_is_not_there_are_refused_before_any_work(tmp_path, tiny_tokens, tiny_checkpoint):
    measured = [{"model": "coreml_int8", "device": "iPhone 15", "memory_mb": 60.0}]
    (tmp_path / "devices.json").write_text(json.dumps({"schema": "potstill/devices/v1", "measurements": measured}))
    with pytest.raises(InputError, match="coreml_int8"):
        validate_models(
            tiny_tokens,
            tiny_checkpoint,
            tmp_path / "report",
            ValidateConfig(threads=1),
            devices=tmp_path / "devices.json",
        )
    assert not (tmp_path / "report").exists()


def test_what_the_manifest_tells_of_the_options_does_not_hold_the_budgets(judged):
    made_by = expect(judged / "report", "report/v1").made_by
    assert "budgets" not in made_by["config"]
    assert made_by["config"]["robustness_rows"] == ASKED
