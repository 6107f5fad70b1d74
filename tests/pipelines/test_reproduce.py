"""A tiny run of the whole pipeline, released, and reproduced from its evidence: elsewhere, by another, another day."""

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import LABELS, example_texts, make_checkpoint

from pipelines.command import run_here
from pipelines.compress import compress
from potstill.artifacts import is_sealed, read_manifest
from potstill.cli import main as potstill
from potstill.evidence.whole import evidence_of
from potstill.reproduce.here import TIERS, look_at
from potstill.reproduce.plan import plan_of
from tests.tiny_run import TINY

pytestmark = pytest.mark.slow

# Fewer epochs, as every stage is run twice and more; threads and dtype are the pipeline's own defaults.
SHORTER = {**TINY, "teacher_epochs": 2, "distill_epochs": 1, "threads": 2, "dtype": "auto"}
STAGES = [
    *("tokenize", "teacher-train", "teacher-cache", "distill", "prune", "qat"),
    *("coreml-export", "onnx-export", "validate"),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tokenizer_folder):
    """The folder of a finished run that ended with a signed bundle; its sealed inputs lie below kfp/inputs."""
    folder = tmp_path_factory.mktemp("sources")
    texts, labels = example_texts(400)
    with (folder / "headlines.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((t, LABELS[i]) for t, i in zip(texts, labels, strict=True))])
    start = make_checkpoint(folder / "start", tokenizer_folder).path
    (start / "artifact.json").unlink()  # a folder of a hub, which the run seals itself
    sources = {"data": str(folder / "headlines.csv"), "start": str(start), "release_name": "headlines"}
    run_folder = tmp_path_factory.mktemp("runs") / "tiny"
    assert potstill(["keys", "new", str(folder / "release.key")]) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POTSTILL_SIGNING_KEY", str(folder / "release.key"))
        code = run_here(compress, {**SHORTER, **sources}, run_folder)
    assert code == 0, (run_folder / "run.log").read_text()[-3000:]
    return run_folder


@pytest.fixture(scope="module")
def released(finished):
    """The signed bundle."""
    return (finished / "bundle").resolve()


def reproduce(released, finished, folder, *arguments, **changed):
    """Run the command as another user, in another place, language, time zone and hash order."""
    home = folder / "home of another"
    home.mkdir(parents=True, exist_ok=True)
    another = {"PYTHONHASHSEED": "4711", "LC_ALL": "C", "TZ": "Pacific/Kiritimati", "HOME": str(home), "USER": "other"}
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "potstill", "reproduce", str(released)),
            *("--artifacts", str(finished / "kfp" / "inputs"), *map(str, arguments)),
        ],
        cwd=home, env=environment | another | changed, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def reproduced(released, finished, tmp_path_factory):
    """The folder of a whole reproduction, and how it ended."""
    folder = tmp_path_factory.mktemp("elsewhere")
    return folder / "again", reproduce(released, finished, folder, "--out", folder / "again")


def signs(told):
    """Stage → the sign before it."""
    return {found[2]: found[1] for found in re.finditer(r"^([=✓≈✗!–]) (\S+) +[0-9a-f]{12}", told, re.MULTILINE)}


def test_every_stage_comes_out_equal(reproduced):
    _, done = reproduced
    assert done.returncode == 0, done.stdout + done.stderr
    assert {stage: sign for stage, sign in signs(done.stdout).items() if sign != "="} == dict.fromkeys(STAGES, "✓")
    assert "all 9 stages are equal, digest by digest" in done.stdout


def test_what_was_made_is_what_was_released(reproduced, released):
    folder, _ = reproduced
    evidence = evidence_of(released)
    made = {read_manifest(each).digest for each in folder.iterdir() if is_sealed(each)}
    assert made == {each.digest for each in plan_of(evidence).made}
    for inside, digest in evidence.index.ships.items():
        if inside.startswith("models/"):
            own = next(each for each in folder.iterdir() if is_sealed(each) and read_manifest(each).digest == digest)
            shipped = [each for each in (released / inside).rglob("*") if each.is_file()]
            assert shipped
            for each in shipped:
                assert (own / each.relative_to(released / inside)).read_bytes() == each.read_bytes()


def test_what_is_equal_is_not_made_again(reproduced, released, finished, tmp_path):
    folder, _ = reproduced
    [report] = folder.glob("*-validate")
    (report / "summary.json").write_text("{}")  # broken since: only this is made again
    done = reproduce(released, finished, tmp_path, "--out", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("✓")]
    assert ["earlier" in line for line in lines] == [stage != "validate" for stage in STAGES]


def test_other_instructions_are_told_before_anything_runs(released, finished, tmp_path):
    if look_at(plan_of(evidence_of(released))).isa == "DEFAULT":
        pytest.skip("this processor has no lower tier than its own")
    done = reproduce(released, finished, tmp_path, "--out", tmp_path / "again", **TIERS["DEFAULT"])
    assert done.returncode == 2
    assert "this processor has DEFAULT: take a machine that has them" in done.stderr
    assert not (tmp_path / "again").exists()


def test_it_stops_at_the_first_difference_and_says_what_it_is(released, finished, tmp_path):
    """With other instructions the sums of a training end in other bits."""
    if look_at(plan_of(evidence_of(released))).isa == "DEFAULT":
        pytest.skip("this processor has no lower tier than its own")
    done = reproduce(released, finished, tmp_path, "--other-code", "--artifacts", finished / "kfp", **TIERS["DEFAULT"])
    assert done.returncode == 1, done.stdout + done.stderr
    found = signs(done.stdout)
    assert found["tokenize"] in "✓≈"
    assert found["teacher-train"] == "✗"
    assert found["validate"] == "–"
    assert re.search(r"model\.safetensors: [\d,]+ bytes, SHA-256 [0-9a-f]{12} wanted", done.stdout)
    assert "tensor bert.encoder.layer.0" in done.stdout
    assert "NOT reproduced: teacher-train came out another way" in done.stdout


def test_data_that_is_not_at_hand_is_named(released, tmp_path):
    done = reproduce(released, tmp_path, tmp_path, "--artifacts", tmp_path)
    assert done.returncode == 2
    assert "import-data" in done.stderr
    assert "headlines.csv" in done.stderr
    assert "pass --artifacts FOLDER" in done.stderr


def test_files_sealed_anew_serve_as_well(released, finished, tmp_path, reproduced):
    """Whoever imports the data again has another manifest, and the same files."""
    inputs = tmp_path / "inputs"
    shutil.copytree(finished / "kfp" / "inputs", inputs)
    data = next(each for each in inputs.iterdir() if read_manifest(each).kind == "dataset/v1")
    own = (data / "artifact.json").read_text()
    (data / "artifact.json").write_text(own.replace('"isa":"', '"isa":"another '))
    assert read_manifest(data).digest not in evidence_of(released).manifests
    folder, _ = reproduced
    done = reproduce(released, tmp_path, tmp_path, "--artifacts", inputs, "--out", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sealed anew" in done.stdout


def test_an_ensemble_of_teachers_comes_out_equal(tmp_path, teacher_outputs, tiny_tokens):
    """A list of inputs, and threads that no option says."""
    from tests.reproducing import reproduce_alone

    first = tmp_path / "first"
    arguments = ["--members", *map(str, teacher_outputs), "--tokens", str(tiny_tokens), "--outputs", str(first)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "potstill.teacher_ensemble", *arguments, "--weighting", "validation"]
    subprocess.run(command, check=True, env=environment, capture_output=True)
    [done] = reproduce_alone(read_manifest(first), [Path(tiny_tokens), *map(Path, teacher_outputs)], tmp_path / "out")
    assert done.outcome == "✓", done.told
