"""Several teachers, an assistant and a student on KFP's own local runner: tiny data, each step its own process."""

import csv
import json

import pytest
from conftest import LABELS, example_texts, make_checkpoint

from pipelines.assisted import FURTHER_SEEDS, assisted
from pipelines.command import run_here
from potstill.artifacts import CHECKPOINT, TEACHER_OUTPUTS, expect
from tests.validating import only

TINY = {
    "max_length": 16,
    "test_share": 0.2,
    "validation_share": 0.2,
    "teacher_epochs": 8,
    "teacher_learning_rate": 0.003,
    "assistant_layers": 2,
    "assistant_layer_map": "0,1",
    "layer_map": "1",
    "student_layers": 1,
    "distill_epochs": 6,
    "distill_learning_rate": 0.003,
    "budgets": only(max_size_mb=20.0),
    "robustness_rows": 8,
    "threads": 1,
    "dtype": "float32",
}


@pytest.mark.slow
def test_three_teachers_an_assistant_and_a_student(tmp_path, tokenizer_folder):
    texts, labels = example_texts(240)
    with (tmp_path / "headlines.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((t, LABELS[i]) for t, i in zip(texts, labels, strict=True))])
    start = make_checkpoint(tmp_path / "start", tokenizer_folder)
    sources = {"data": str(tmp_path / "headlines.csv"), "start": str(start.path)}
    folder = tmp_path / "run"
    assert run_here(assisted, {**TINY, **sources}, folder) == 0, (folder / "run.log").read_text()[-3000:]

    outputs, assistant = expect(folder / "teacher_outputs", TEACHER_OUTPUTS), expect(folder / "assistant", CHECKPOINT)
    first = expect(folder / "teacher", CHECKPOINT)
    teachers = {member["teacher"] for member in outputs.meaning["members"]}
    assert first.digest in teachers
    assert len(teachers) == 1 + len(FURTHER_SEEDS)
    assert assistant.inputs["teacher_outputs"] == outputs.digest
    assert expect(folder / "student", CHECKPOINT).inputs["teacher"] == assistant.digest
    assert {"control", "teacher", "student", "onnx_int8"} <= set(
        json.loads((folder / "summary.json").read_text())["models"]
    )
