"""Where a stage is run again: its environment, its process, and the folder that it works in."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from potstill.errors import ArtifactError
from potstill.reproduce.running import environment_of, last_words, run
from potstill.reproduce.workplace import LOCK, MARKER, workplace
from tests.reproducing import HERE, OTHER, artifact, seal_by_hand


def test_a_stage_gets_the_revision_and_the_threads_of_its_manifest(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "MASTER_PORT"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    found = environment_of(artifact("teacher-ensemble", revision="34" * 20), HERE)
    assert found["POTSTILL_REVISION"] == "34" * 20
    assert found["OMP_NUM_THREADS"] == "2"
    assert not {"RANK", "WORLD_SIZE", "MASTER_PORT"} & set(found)
    assert found["PATH"] == os.environ["PATH"]
    other = environment_of(artifact("prune", source=OTHER, revision="34" * 20, config={"threads": 1}), HERE)
    assert other.get("POTSTILL_REVISION") != "34" * 20  # a revision is believed only with its source
    assert other["OMP_NUM_THREADS"] == "7"  # the stage sets its own threads


@pytest.mark.parametrize(
    "changed",
    [
        {"revision": "a\0b"},
        {"revision": "$(x)"},
        {"revision": "a" * 101},
        {"processor": {"threads": "2"}},
        {"processor": {"threads": True}},
        {"processor": {"threads": None}},
    ],
)
def test_a_maker_that_no_stage_writes_is_refused(changed):
    with pytest.raises(ArtifactError, match="forged"):
        environment_of(artifact("prune", **changed), HERE)


def test_a_process_leaves_its_words_and_its_code(tmp_path):
    code = (
        "import os, sys; print('potstill: error: ' + os.environ['WHY'], file=sys.stderr); print('later'); sys.exit(2)"
    )
    ended = run([sys.executable, "-c", code], {**os.environ, "WHY": "no room"}, tmp_path / "log")
    assert ended == 2
    assert last_words(tmp_path / "log") == "no room"
    assert (tmp_path / "log").read_text().splitlines()[0].startswith(sys.executable)


def test_a_process_that_is_killed_tells_its_signal(tmp_path):
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert run([sys.executable, "-c", code], os.environ, tmp_path / "log") == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_the_stage_and_all_that_it_started(number, tmp_path):
    child = "import subprocess, time; print(subprocess.Popen(['sleep', '300']).pid, flush=True); time.sleep(300)"
    parent = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from pathlib import Path; from potstill.reproduce.running import run\n"
        f"run([sys.executable, '-c', {child!r}], os.environ, Path(sys.argv[1]))"
    )
    log = tmp_path / "log"
    process = subprocess.Popen(
        [sys.executable, "-c", parent, str(log)], stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "components")},
    )  # fmt: skip
    until = time.monotonic() + 60
    while not (log.exists() and len(log.read_text().splitlines()) >= 2) and time.monotonic() < until:
        time.sleep(0.05)
    grandchild = int(log.read_text().splitlines()[-1])
    process.send_signal(number)
    process.wait(60)
    while _lives(grandchild) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _lives(grandchild)


def _lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_a_temporary_workplace_goes_and_a_named_one_stays(tmp_path):
    with workplace(None, OTHER, keep=False) as folder:
        (folder / "x").write_text("x")
    assert not folder.exists()
    with workplace(tmp_path / "out", OTHER, keep=False) as folder:
        (folder / "x").write_text("x")
    assert sorted(each.name for each in folder.iterdir()) == [MARKER, "x"]
    with workplace(tmp_path / "out", OTHER, keep=False) as again:
        assert (again / "x").exists()


def test_a_temporary_workplace_is_kept_when_that_is_asked():
    with workplace(None, OTHER, keep=True) as folder:
        pass
    assert folder.is_dir()
    (folder / MARKER).unlink()
    folder.rmdir()


def test_a_failure_leaves_no_temporary_workplace():
    with pytest.raises(ZeroDivisionError), workplace(None, OTHER, keep=False) as folder:
        raise ZeroDivisionError
    assert not folder.exists()


def test_a_workplace_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    sealed = seal_by_hand(tmp_path / "sealed", artifact("tokenize")).path
    (tmp_path / "file").write_text("x")
    for place, why in (
        ("mine", "holds what no reproduction wrote"),
        ("sealed", "is sealed and would be broken"),
        ("sealed/inside", "is sealed and would be broken"),
        ("file", "is not a folder"),
    ):
        with pytest.raises(ArtifactError, match=why), workplace(tmp_path / place, OTHER, keep=False):
            pass
    assert sorted(each.name for each in (tmp_path / "mine").iterdir()) == ["thesis.txt"]
    assert sorted(each.name for each in sealed.iterdir()) == ["artifact.json"]


def test_a_workplace_belongs_to_one_release_and_one_process(tmp_path):
    with workplace(tmp_path / "out", OTHER, keep=False):
        with pytest.raises(ArtifactError, match="another process"), workplace(tmp_path / "out", OTHER, keep=False):
            pass
        assert (tmp_path / "out" / LOCK).exists()
    with pytest.raises(ArtifactError, match="another release"), workplace(tmp_path / "out", "88" * 32, keep=False):
        pass
