"""A scheduler takes the machine away: SIGTERM is heard between two steps, and the run that follows ends alike."""

import json
import os
import pickle
import shutil
import signal
from functools import partial

import pytest
import safetensors.torch
import torch

from potstill.artifacts import UNSEALED, sha256_of
from potstill.training import scoring
from tests.stage_process import before_step, killed, run

STEPS = 8  # an epoch of 64 rows
OPTIONS = ("--epochs", 2, "--patience", 0, "--batch-size", 8, "--threads", 1, "--dtype", "float32")


@pytest.fixture
def begin(tmp_path, tiny_tokens, tiny_checkpoint):
    """Run teacher-train; → its exit code and what it told."""

    def begin(*arguments, fault=int):
        folders = ("--tokens", tiny_tokens, "--start", tiny_checkpoint, "--teacher", tmp_path / "out")
        return run(tmp_path / "log", "teacher-train", *folders, *OPTIONS, *arguments, fault=fault)

    return begin


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, tiny_tokens, tiny_checkpoint):
    folder = tmp_path_factory.mktemp("undisturbed")
    folders = ("--tokens", tiny_tokens, "--start", tiny_checkpoint, "--teacher", folder / "out")
    assert run(folder / "log", "teacher-train", *folders, *OPTIONS)[0] == 0
    return sha256_of(folder / "out" / "artifact.json")


@pytest.mark.parametrize("at", [1, 5, STEPS, STEPS + 1, 2 * STEPS - 1])
def test_the_state_is_kept_at_the_end_of_the_step_and_taken_up_again(tmp_path, begin, undisturbed, at):
    uri = (tmp_path / "checkpoints").as_uri()
    code, told = begin("--checkpoint-uri", uri, fault=partial(killed, at, signal.SIGTERM))
    assert code == 128 + signal.SIGTERM
    (kept,) = (tmp_path / "checkpoints" / "teacher-train").glob("*/01-teacher/*")
    where = f"{uri}/{kept.relative_to(tmp_path / 'checkpoints').as_posix()}"
    assert told == f"▸ teacher: stopped by SIGTERM; step {at} is kept at {where}; run the same command to go on\n"
    assert (kept / "COMMIT.json").exists()
    assert kept.name.startswith(f"{at:08d}")
    assert not (tmp_path / "out").exists()
    code, told = begin("--checkpoint-uri", uri)
    assert code == 0
    assert f"▸ teacher: taken up again from {where}\n" in told
    assert sha256_of(tmp_path / "out" / "artifact.json") == undisturbed


def test_it_comes_again_and_again(tmp_path, begin, undisturbed):
    uri = (tmp_path / "checkpoints").as_uri()
    for _ in range(2 * STEPS // 3):
        assert begin("--checkpoint-uri", uri, fault=partial(killed, 3, signal.SIGTERM))[0] == 143
    assert begin("--checkpoint-uri", uri)[0] == 0
    assert sha256_of(tmp_path / "out" / "artifact.json") == undisturbed


def test_without_a_place_to_keep_the_state_the_process_ends_at_once(tmp_path, begin, undisturbed):
    code, told = begin(fault=partial(killed, 5, signal.SIGTERM))
    assert (code, told) == (-signal.SIGTERM, "")
    assert (tmp_path / "out" / UNSEALED).exists()
    assert begin()[0] == 0
    assert sha256_of(tmp_path / "out" / "artifact.json") == undisturbed


def test_ctrl_c_keeps_the_state_too(tmp_path, begin, undisturbed):
    uri = (tmp_path / "checkpoints").as_uri()
    code, told = begin("--checkpoint-uri", uri, fault=partial(killed, 12, signal.SIGINT))
    assert code == 130
    assert told.startswith("▸ teacher: stopped by Ctrl-C; step 12 is kept at ")
    assert told.count("\n") == 1
    assert not (tmp_path / "out").exists()
    code, told = begin("--checkpoint-uri", uri)
    assert (code, "taken up again" in told) == (0, True)
    assert sha256_of(tmp_path / "out" / "artifact.json") == undisturbed


def test_ctrl_c_without_a_place_ends_the_process_as_ever(tmp_path, begin):
    assert begin(fault=partial(killed, 12, signal.SIGINT)) == (130, "potstill: stopped; run the same command again\n")
    assert not (tmp_path / "out").exists()


def deaf_to_ctrl_c():
    """As a shell begins a command in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    killed(5, signal.SIGINT)


def test_a_signal_that_is_ignored_stays_so(tmp_path, begin, undisturbed):
    assert begin("--checkpoint-uri", (tmp_path / "checkpoints").as_uri(), fault=deaf_to_ctrl_c)[0] == 0
    assert sha256_of(tmp_path / "out" / "artifact.json") == undisturbed


def signalled_while_judged(number):
    """The signal comes when the second epoch is judged."""
    judge, judged = scoring.predict_torch, []

    def predict(*arguments, **named):
        judged.append(1)
        if len(judged) == 2:
            os.kill(os.getpid(), number)
        return judge(*arguments, **named)

    scoring.predict_torch = predict


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_evaluation_is_left_at_once_and_done_again(tmp_path, begin, undisturbed, number):
    uri = (tmp_path / "checkpoints").as_uri()
    code, told = begin("--checkpoint-uri", uri, fault=partial(signalled_while_judged, number))
    assert code == 128 + number
    assert f"step {2 * STEPS} is kept at " in told
    code, told = begin("--checkpoint-uri", uri)
    assert (code, "taken up again" in told) == (0, True)
    assert sha256_of(tmp_path / "out" / "artifact.json") == undisturbed


def taken_away(at, place):
    """Somebody puts a file where the checkpoints' folder is; then SIGTERM comes."""

    def act():
        shutil.rmtree(place)
        place.write_text("")
        os.kill(os.getpid(), signal.SIGTERM)

    before_step(at, act)


def test_a_store_that_takes_nothing_any_more_is_told(tmp_path, begin):
    place = tmp_path / "checkpoints"
    code, told = begin("--checkpoint-uri", place.as_uri(), fault=partial(taken_away, 5, place))
    assert code == 143
    assert told.count("\n") == 1
    assert " was not kept: " in told


def rewritten(checkpoint, blob, data):
    """Somebody writes a file of a checkpoint anew, and its digest, too; None: leaves it out."""
    commit = json.loads((checkpoint / "COMMIT.json").read_text())
    if data is None:
        del commit["files"][blob]
    else:
        (checkpoint / blob).write_bytes(data)
        commit["files"][blob] = {"bytes": len(data), "sha256": sha256_of(checkpoint / blob)}
    (checkpoint / "COMMIT.json").write_text(json.dumps(commit))


@pytest.mark.parametrize(
    ("blob", "data"),
    [
        ("optimizer.safetensors", None),
        ("state.json", None),
        ("state.json", b"{}"),
        ("model.safetensors", b"garbage"),
        ("model.safetensors", pickle.dumps({"a": 1})),
        ("model.safetensors", safetensors.torch.save({"other": torch.zeros(3)})),
        ("history.safetensors", safetensors.torch.save({})),
    ],
)
def test_a_checkpoint_that_somebody_wrote_is_refused_and_the_one_before_taken(tmp_path, begin, undisturbed, blob, data):
    uri = (tmp_path / "checkpoints").as_uri()
    for _ in range(2):
        begin("--checkpoint-uri", uri, fault=partial(killed, 3, signal.SIGTERM))
    first, second = sorted((tmp_path / "checkpoints" / "teacher-train").glob("*/01-teacher/*"))
    rewritten(second, blob, data)
    code, told = begin("--checkpoint-uri", uri)
    assert code == 0, told
    assert f"{second.name} is refused: it does not fit this training" in told
    assert f"taken up again from {uri}" in told
    assert first.name in told.partition("taken up again")[2]
    assert sha256_of(tmp_path / "out" / "artifact.json") == undisturbed
