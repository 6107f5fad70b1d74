"""The whole pipeline under KFP's DockerRunner, each step in its own image, proved by what is sealed.

KFP's runner reports a container that fails at once as a success in some runs, so its word counts for nothing here.
"""

import csv
import json

import pytest
from conftest import LABELS, example_texts, make_checkpoint

from pipelines.command import run_here
from pipelines.compress import compress
from potstill.artifacts import CHECKPOINT, COREML, ONNX, REPORT, TEACHER_OUTPUTS, TOKENS, expect
from tests.docker_engine import require_image
from tests.launcher.tiny import TINY

pytestmark = pytest.mark.docker
SEALED = {
    "tokens": TOKENS,
    "teacher": CHECKPOINT,
    "teacher_outputs": TEACHER_OUTPUTS,
    "student": CHECKPOINT,
    "pruned": CHECKPOINT,
    "quantized": CHECKPOINT,
    "onnx": ONNX,
    "package": COREML,
    "report": REPORT,
}
STAGES = ("tokenize", "teacher-train", "teacher-cache", "distill", "prune", "qat", "onnx-export", "coreml-export")


@pytest.fixture(scope="module")
def sources(tmp_path_factory, tokenizer_folder):
    folder = tmp_path_factory.mktemp("sources")
    texts, labels = example_texts(400)
    with (folder / "headlines.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((t, LABELS[i]) for t, i in zip(texts, labels, strict=True))])
    start = make_checkpoint(folder / "start", tokenizer_folder)
    return {"data": str(folder / "headlines.csv"), "start": str(start.path)}


def test_the_pipeline_runs_in_its_images_and_leaves_sealed_outputs(sources, tmp_path):
    for stage in (*STAGES, "validate"):
        require_image(stage)
    folder = tmp_path / "run"
    assert run_here(compress, {**TINY, **sources}, folder, docker=True) == 0, (folder / "run.log").read_text()[-3000:]
    found = {name: expect(folder / name, kind) for name, kind in SEALED.items()}
    assert found["report"].inputs["onnx"] == found["onnx"].digest
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["verdict"] == "pass"
    assert summary["digests"] == {name: each.digest for name, each in found.items()}
    assert {each.stat().st_uid for each in folder.rglob("*")} == {folder.stat().st_uid}
