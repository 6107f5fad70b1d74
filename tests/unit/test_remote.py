"""A stage on folders that lie in a store, and under torchrun."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from potstill.artifacts import CHECKPOINT, expect
from potstill.errors import OptionError
from potstill.remote.command import main
from potstill.remote.folders import OUTPUTS, Output, brought, folders_of
from potstill.remote.places import on_disk, read_file, standard, write_file
from potstill.store.folders import publish

QUICK = ["--epochs=1", "--threads=1", "--dtype=float32"]
UNDER_TORCHRUN = (
    "import sys; from potstill.remote import workers; workers.WORKER = 'worker'; from pathlib import Path; "
)
TRAIN = "sys.exit(workers.train('distill', ['--start=x', '--nnodes'], Path('measures.json')))"


def test_the_folders_of_a_stage_are_its_paths():
    assert folders_of("distill") == {"teacher", "tokens", "student", "teacher_outputs", "start", "unlabelled"}


@pytest.mark.parametrize("stage", OUTPUTS)
def test_the_output_of_a_stage_is_one_of_its_folders(stage):
    assert OUTPUTS[stage] in folders_of(stage)


def test_paths_stay_and_all_else_stays_as_it_came(tmp_path):
    given = ["--tokens", "runs/tokens", "--teacher-outputs=/runs/o", "--teacher_outputs", "/o", "--recipe", "--student"]
    local, output = brought("distill", [*given, "x y"], tmp_path)
    assert local == [
        "--tokens=runs/tokens",
        "--teacher-outputs=/runs/o",
        "--teacher_outputs=/o",
        "--recipe",
        "--student=x y",
    ]
    assert output == Output(Path("x y"))


def test_an_output_in_a_store_is_written_here_first(tmp_path):
    local, output = brought("prune", ["--pruned", "minio://bucket/run/pruned"], tmp_path)
    assert local == [f"--pruned={tmp_path / 'pruned'}"]
    assert output == Output(tmp_path / "pruned", "s3://bucket/run/pruned")


@pytest.mark.parametrize("given", ["--pruned", "--pruned="])
def test_a_folder_that_is_named_without_a_place_is_left_to_the_stage(given, tmp_path):
    assert brought("prune", [given], tmp_path) == ([given], None)


def test_places_of_all_sorts():
    assert standard("minio://bucket/a b") == "s3://bucket/a b"
    assert on_disk("file:///a%20b").as_posix() == "/a b"
    assert on_disk("a/学生").as_posix() == "a/学生"
    assert on_disk("minio://bucket/key") is None
    with pytest.raises(OptionError, match="gs://bucket/key is in no store that is read here"):
        on_disk("gs://bucket/key")


def test_one_file_is_written_and_read(tmp_path):
    for place in (str(tmp_path / "a b" / "学生.json"), (tmp_path / "c d.json").as_uri()):
        write_file(place, b"{}")
        assert read_file(place) == b"{}"


def test_a_stage_runs_on_uris_and_tells_its_measures(tiny_tokens, tiny_checkpoint, tmp_path):
    folders = [f"--tokens={tiny_tokens.as_uri()}", "--start", str(tiny_checkpoint), f"--teacher={tmp_path / 'teacher'}"]
    measures = (tmp_path / "measures.json").as_uri()
    assert main([f"--measures={measures}", "teacher-train", *folders, *QUICK]) == 0
    parameters = json.loads(read_file(measures))["parameters"]
    assert expect(tmp_path / "teacher", CHECKPOINT).made_by["stage"] == "teacher-train"
    assert parameters == 24482  # all its digits


@pytest.mark.s3
def test_a_stage_runs_on_a_store(s3_bucket, tiny_tokens, tiny_checkpoint, tmp_path):
    publish(tiny_tokens, f"{s3_bucket}/tokens")
    publish(tiny_checkpoint, f"{s3_bucket}/start")
    places = [f"--{name}={s3_bucket}/{name}" for name in ("tokens", "start", "teacher")]
    assert main([f"--measures={s3_bucket}/metrics", "teacher-train", *places, *QUICK]) == 0
    assert brought("distill", [f"--teacher={s3_bucket}/teacher"], tmp_path) == (
        [f"--teacher={tmp_path / 'teacher'}"],
        None,
    )
    assert expect(tmp_path / "teacher", CHECKPOINT).made_by["stage"] == "teacher-train"
    assert json.loads(read_file(f"{s3_bucket}/metrics"))["epochs"] == 1


@pytest.mark.s3
def test_a_store_that_cannot_be_written_is_refused_before_the_work(s3_bucket, tiny_tokens, tiny_checkpoint, capfd):
    folders = [f"--tokens={tiny_tokens}", f"--start={tiny_checkpoint}", "--teacher=s3://no-such-bucket/teacher"]
    assert main(["teacher-train", *folders, *QUICK]) == 2
    assert "potstill: error: s3://no-such-bucket/teacher" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "the following arguments are required: stage"),
        (["tokenize"], "invalid choice: 'tokenize'"),
        (["--measure=x", "prune"], "wanted is python -m potstill.remote"),
        (["prune", "--tokens=ftp://host/tokens"], "ftp://host/tokens is in no store"),
        (["prune", "--tokens=t", "--student=s", "--pruned=p", "--rounds=0"], "rounds should be greater"),
    ],
)
def test_refusals_are_one_line_and_exit_code_2(given, said, capfd):
    assert main(given) == 2
    [line] = capfd.readouterr().err.splitlines()
    assert line.startswith("potstill: error: ")
    assert said in line


@pytest.fixture
def torchrun(tmp_path):
    """Start two processes that run a few lines each; → the process that started them."""

    def start(lines):
        (tmp_path / "worker.py").write_text(f"import os, signal, sys, time\n{lines}\n")
        path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
        return subprocess.Popen(
            [sys.executable, "-c", UNDER_TORCHRUN + TRAIN],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path, "PET_NNODES": "1", "PET_NPROC_PER_NODE": "2"},
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("assert sys.argv[1:] == ['measures.json', 'distill', '--start=x', '--nnodes']", 0),
        ("sys.exit(2)", 2),
        ("sys.exit(3) if os.environ['RANK'] == '1' else time.sleep(60)", 3),
        ("os.kill(os.getpid(), signal.SIGKILL)", 137),
    ],
)
def test_the_exit_code_is_that_of_the_process_that_failed_first(torchrun, lines, code):
    process = torchrun(lines)
    _, said = process.communicate(timeout=120)
    assert process.returncode == code, said
    assert ("was ended by SIGKILL" in said) == (code == 137)
    assert "Traceback" not in said


def test_sigterm_reaches_the_processes_that_train(torchrun, tmp_path):
    process = torchrun(
        "def end(*_):\n    open(os.environ['RANK'] + '.ended', 'w').close()\n    sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, end)\nopen(os.environ['RANK'] + '.began', 'w').close()\ntime.sleep(60)"
    )
    until = time.monotonic() + 60
    while len(list(tmp_path.glob("*.began"))) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert len(list(tmp_path.glob("*.ended"))) == 2
