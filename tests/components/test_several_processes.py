"""Two processes do what one does: the same losses, weights and measures, one output, and nothing said twice."""

import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from conftest import make_checkpoint
from safetensors.torch import load_file
from torch.testing import assert_close

from potstill.artifacts import CHECKPOINT, expect
from potstill.data.tokens import TEST, read_split
from potstill.encoder.checkpoint import load_classifier
from potstill.measure.torch_session import predict_torch
from potstill.prune.curve import read_curve
from tests.stage_process import command, killed, run, run_group, stands_still

OPTIONS = ("--batch-size", 7, "--threads", 1, "--dtype", "float32")
PRUNING = ("--max-accuracy-drop", 100, "--drop-layers", 1, "--hidden-sparsity", 0.25)
TINYBERT = ("--recipe", "tinybert", "--general-epochs", 1, "--control", "true")
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
# Where int8 grids are trained for, a last bit decides now and then into which of two steps a weight is rounded.
EXACTLY, NEARLY = 1e-5, 1e-2


@pytest.fixture(scope="module")
def teacher(tmp_path_factory, tokenizer_folder):
    return make_checkpoint(tmp_path_factory.mktemp("teacher") / "out", tokenizer_folder, layers=4, seed=2).path


@pytest.fixture
def stages(tiny_tokens, tiny_checkpoint, teacher):
    """The arguments of each stage but for its output, how near the numbers must come, and of which the losses are."""
    tokens = ("--tokens", tiny_tokens)
    return {
        "teacher-train": ((*tokens, "--start", tiny_checkpoint, "--epochs", 2, "--ema", 0.9, "--teacher"), EXACTLY),
        "distill": (
            (*tokens, "--teacher", teacher, *TINYBERT, "--epochs", 2, "--student"),
            EXACTLY,
        ),
        "prune": ((*tokens, "--student", tiny_checkpoint, *PRUNING, "--pruned"), EXACTLY),
        "qat": ((*tokens, "--student", tiny_checkpoint, "--epochs", 2, "--quantized"), NEARLY),
    }


def losses(meaning):
    """Every loss of every training that the manifest tells of, by the epoch."""
    trainings = meaning.get("training", [])
    trainings = trainings if isinstance(trainings, list) else [trainings]
    return [loss for each in trainings for loss in each["loss_per_epoch"]]


def shapes(checkpoint):
    """Heads and neurons after every round of a pruning."""
    curve = read_curve(checkpoint)
    return [(point.heads, point.neurons) for point in curve.points] if curve else []


def answers(checkpoint, tokens):
    return torch.from_numpy(predict_torch(load_classifier(checkpoint), read_split(tokens, TEST)))


def distance(one, other):
    """L2 norm of the difference of all weights together, as a share of theirs."""
    these, those = (
        torch.cat([each.flatten().double() for _, each in sorted(load_file(folder / "model.safetensors").items())])
        for folder in (one, other)
    )
    return float((these - those).norm() / those.norm())


def measures(told):
    return {line.split()[0]: float(line.split()[1]) for line in told.splitlines() if re.match(r" +\w+  [-\d]", line)}


@pytest.mark.parametrize("name", ["teacher-train", "distill", "prune", "qat"])
def test_two_processes_reach_what_one_does(tmp_path, stages, tiny_tokens, name):
    arguments, near = stages[name]
    (tmp_path / "tmp").mkdir()
    code, alone = run(tmp_path / "log", name, *arguments, tmp_path / "one", *OPTIONS)
    assert code == 0
    work = command(name, *arguments, tmp_path / "two", *OPTIONS)
    (first, told), (second, silent) = run_group(tmp_path / "logs", 2, work, TMPDIR=tmp_path / "tmp")
    assert (first, second) == (0, 0), told + silent

    one, two = (expect(tmp_path / each, CHECKPOINT) for each in ("one", "two"))
    assert one.made_by["processor"] | {"processes": 2} == two.made_by["processor"]
    assert one.made_by["config"] == two.made_by["config"]
    assert len(losses(one.meaning)) == len(losses(two.meaning)) == {"distill": 3, "prune": 0}.get(name, 2)
    assert losses(two.meaning) == pytest.approx(losses(one.meaning), rel=near)
    # Weight for weight there is chance: AdamW divides a gradient that is rounding alone by its own size.
    assert_close(*(answers(each.path, tiny_tokens) for each in (two, one)), rtol=0, atol=10 * near)
    assert distance(two.path, one.path) < 10 * near
    assert shapes(one.path) == shapes(two.path)

    assert measures(told) == pytest.approx(measures(alone), rel=near, abs=0.02 if near == NEARLY else 1e-6)
    assert len(measures(told)) >= 6
    assert silent == ""
    assert told.count("\n") == len(set(told.splitlines()))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["log", "logs-0", "logs-1", "one", "tmp", "two"]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_three_processes_some_of_which_have_no_row(tmp_path, stages):
    """64 rows in batches of two, and 64 = 32 · 2: the third computes a row that does not count."""
    arguments, _ = stages["teacher-train"]
    few = ("--batch-size", 2, "--threads", 1, "--dtype", "float32", "--accumulate", 3)
    assert run(tmp_path / "log", "teacher-train", *arguments, tmp_path / "one", *few)[0] == 0
    told = run_group(tmp_path / "logs", 3, command("teacher-train", *arguments, tmp_path / "three", *few))
    assert [code for code, _ in told] == [0, 0, 0], told
    one, three = (expect(tmp_path / each, CHECKPOINT).meaning for each in ("one", "three"))
    assert losses(three) == pytest.approx(losses(one), rel=EXACTLY)


# ----------------------------------------------------------------------------------------------- when one is lost


def long_run(tokens, checkpoint):
    folders = ("--tokens", tokens, "--start", checkpoint)
    return (*folders, *OPTIONS, "--epochs", 25, "--patience", 0, "--checkpoint-seconds", 1e-9, "--teacher")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, tiny_tokens, tiny_checkpoint):
    """Digest of what two processes make that nobody disturbs."""
    folder = tmp_path_factory.mktemp("undisturbed")
    told = run_group(
        folder / "log", 2, command("teacher-train", *long_run(tiny_tokens, tiny_checkpoint), folder / "out")
    )
    assert [code for code, _ in told] == [0, 0]
    return expect(folder / "out", CHECKPOINT).digest


@pytest.fixture
def begin(tmp_path, tiny_tokens, tiny_checkpoint):
    """Run two processes with a place for their states; → of each its exit code and what it told."""

    def begin(*arguments, fault=int):
        place = ("--checkpoint-uri", (tmp_path / "checkpoints").as_uri())
        run_of = (*long_run(tiny_tokens, tiny_checkpoint), tmp_path / "out", *place, *arguments)
        return run_group(tmp_path / "log", 2, command("teacher-train", *run_of, fault=fault))

    return begin


def in_process(rank, fault):
    if os.environ["RANK"] == str(rank):
        fault()


def assert_ends_undisturbed(begin, tmp_path, digest):
    (first, told), (second, silent) = begin()
    assert (first, second, silent) == (0, 0, "")
    assert told.count("taken up again") == 1
    assert expect(tmp_path / "out", CHECKPOINT).digest == digest


@pytest.mark.parametrize("rank", [0, 1])
def test_when_one_is_asked_to_end_both_end_after_the_same_step(tmp_path, begin, undisturbed, rank):
    (first, told), (second, silent) = begin(fault=partial(in_process, rank, partial(killed, 5, signal.SIGTERM)))
    assert (first, second, silent) == (143, 143, "")
    assert re.fullmatch(r"▸ teacher: stopped by SIGTERM; step 5 is kept at \S+/00000005-0000; run .*\n", told), told
    assert not (tmp_path / "out").exists()
    assert_ends_undisturbed(begin, tmp_path, undisturbed)


@pytest.mark.parametrize("rank", [0, 1])
def test_when_one_is_killed_the_other_ends_in_one_line(tmp_path, begin, undisturbed, rank):
    told = begin(fault=partial(in_process, rank, partial(killed, 15, signal.SIGKILL)))
    assert told[rank] == (-signal.SIGKILL, "")
    code, line = told[1 - rank]
    assert code == 2
    assert line.startswith("potstill: error: another process of the group ended or cannot be reached (")
    assert line.count("\n") == 1
    assert_ends_undisturbed(begin, tmp_path, undisturbed)


def test_when_one_stands_still_both_end(tmp_path, begin, undisturbed):
    fault = partial(in_process, 1, partial(stands_still, 15))
    told = begin("--stall-seconds", 1, fault=fault)
    assert [code for code, _ in told] == [2, 2]
    assert "stuck at loop.py:" in told[1][1]
    assert [line.count("\n") for _, line in told] == [1, 1]
    assert_ends_undisturbed(begin, tmp_path, undisturbed)


def workers(process):
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(each) for each in found if b"teacher_train" in Path(f"/proc/{each}/cmdline").read_bytes()]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="workers are found in /proc")
def test_torchrun_starts_both_again_when_the_one_that_writes_is_killed(
    tmp_path, tiny_tokens, tiny_checkpoint, undisturbed
):
    place = tmp_path / "checkpoints"
    arguments = [*long_run(tiny_tokens, tiny_checkpoint), tmp_path / "out", "--checkpoint-uri", place.as_uri()]
    # Without `--`, torchrun's own parser takes --start for one of its options.
    line = [*TORCHRUN, "--max-restarts", "2", "-m", "--", "potstill.teacher_train", *map(str, arguments)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as torchrun:
        try:
            while not list(place.rglob("COMMIT.json")):
                assert torchrun.poll() is None, torchrun.stdout.read()
                time.sleep(0.02)
            os.kill(workers(torchrun.pid)[0], signal.SIGKILL)
            told = torchrun.communicate(timeout=120)[0]
        finally:
            torchrun.terminate()
    assert torchrun.returncode == 0, told
    assert told.count("taken up again") == 1
    assert expect(tmp_path / "out", CHECKPOINT).digest == undisturbed
