"""A training that stands still ends with one line, keeps its last checkpoint, and goes on from there."""

import json
import os
import re
import signal
import time
from functools import partial

import pytest

from potstill.artifacts import UNSEALED, sha256_of
from potstill.errors import OptionError
from potstill.store.places import open_place
from potstill.training.options import TrainingOptions
from potstill.training.resume.commits import Commits
from tests.stage_process import LONG, run, slow, stage, stands_still

STEPS = 8  # an epoch of 64 rows
OPTIONS = ("--epochs", 2, "--patience", 0, "--batch-size", 8, "--threads", 1, "--dtype", "float32")
OFTEN = ("--checkpoint-seconds", 1e-9)


@pytest.fixture
def arguments(tmp_path, tiny_tokens, tiny_checkpoint):
    folders = ("--tokens", tiny_tokens, "--start", tiny_checkpoint, "--teacher", tmp_path / "out")
    return ("teacher-train", *folders, *OPTIONS)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, tiny_tokens, tiny_checkpoint):
    folder = tmp_path_factory.mktemp("undisturbed")
    folders = ("--tokens", tiny_tokens, "--start", tiny_checkpoint, "--teacher", folder / "out")
    assert run(folder / "log", "teacher-train", *folders, *OPTIONS)[0] == 0
    return sha256_of(folder / "out" / "artifact.json")


def kept(tmp_path):
    (folder,) = (tmp_path / "checkpoints" / "teacher-train").glob("*/01-teacher")
    place = open_place((tmp_path / "checkpoints").as_uri())
    work = json.loads(next(folder.glob("*/COMMIT.json")).read_text())["work"]
    return Commits(place, folder.relative_to(tmp_path / "checkpoints").as_posix(), work)


@pytest.mark.parametrize("at", [1, 5, STEPS + 2])
def test_a_table_that_cannot_be_read_any_more_ends_the_stage_with_one_line(tmp_path, arguments, undisturbed, at):
    place = ("--checkpoint-uri", (tmp_path / "checkpoints").as_uri(), *OFTEN)
    began = time.monotonic()
    code, told = run(tmp_path / "log", *arguments, *place, "--stall-seconds", 1, fault=partial(stands_still, at))
    assert 1 < time.monotonic() - began < LONG
    assert code == 2
    assert re.fullmatch(
        r"potstill: error: teacher: no step was done for 1 s, stuck at loop\.py:\d+, _step"
        + (
            rf"; the last checkpoint is {re.escape(place[1])}/teacher-train/\w+/01-teacher/\d{{8}}-\d{{4}}"
            if at > 1
            else ""
        )
        + r"; see whether the storage and the other processes answer, then run the same command again\n",
        told,
    ), told
    assert (tmp_path / "out" / UNSEALED).exists()
    code, told = run(tmp_path / "log", *arguments, *place)
    assert code == 0
    assert ("taken up again" in told) == (at > 1)
    assert sha256_of(tmp_path / "out" / "artifact.json") == undisturbed


def test_the_checkpoint_before_is_whole(tmp_path, arguments):
    place = ("--checkpoint-uri", (tmp_path / "checkpoints").as_uri(), *OFTEN)
    run(tmp_path / "log", *arguments, *place, "--stall-seconds", 1, fault=partial(stands_still, 5))
    name, blobs = next(kept(tmp_path).whole(), None)
    assert name < "00000005"
    assert "state.json" in blobs


def test_a_process_that_was_suspended_is_not_taken_for_stuck(tmp_path, arguments, undisturbed):
    place = ("--checkpoint-uri", (tmp_path / "checkpoints").as_uri(), *OFTEN)
    with stage(tmp_path / "log", *arguments, *place, "--stall-seconds", 1, fault=partial(slow, 0.1)) as process:
        while not list((tmp_path / "checkpoints").rglob("COMMIT.json")):
            assert process.is_alive()
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(2.5)
        os.kill(process.pid, signal.SIGCONT)
        process.join(LONG)
        code = process.exitcode
    assert (code, "error" in (tmp_path / "log").read_text()) == (0, False)
    assert sha256_of(tmp_path / "out" / "artifact.json") == undisturbed


def test_steps_that_are_slow_are_not_stuck(tmp_path, arguments, undisturbed):
    """Sixteen steps take longer than the limit, and each is shorter."""
    assert run(tmp_path / "log", *arguments, "--stall-seconds", 1, fault=partial(slow, 0.1))[0] == 0
    assert sha256_of(tmp_path / "out" / "artifact.json") == undisturbed


def test_with_0_it_waits_for_ever(tmp_path, arguments):
    with stage(tmp_path / "log", *arguments, "--stall-seconds", 0, fault=partial(stands_still, 3)) as process:
        process.join(3)
        assert process.is_alive()
    assert (tmp_path / "log").read_text() == ""


@pytest.mark.parametrize(
    ("seconds", "why"),
    [(-1, "should be greater than or equal to 0"), (1e300, "should be less than or equal to"), (0.5, "at least 1")],
)
def test_a_limit_that_makes_no_sense_is_refused(seconds, why):
    with pytest.raises(OptionError, match=f"stall_seconds .*{why}"):
        TrainingOptions(stall_seconds=seconds)
