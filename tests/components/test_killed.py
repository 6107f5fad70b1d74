"""A stage that is killed at random moments, and run again, ends with the bytes of one that nobody disturbed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLING = Path(__file__).with_name("killing.py")
KILLS = 20


def killed(*arguments, **environment):
    command = [sys.executable, str(KILLING), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"} | environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refuse_any_difference(told):
    assert told["taken_up_again"] >= 5, told
    assert told["kept"] == told["undisturbed"], told
    assert told["killed"] == [told["undisturbed"]], told


@pytest.mark.parametrize("stage", ["teacher-train", "distill", "prune", "qat", "qat-learned"])
def test_a_killed_stage_ends_with_the_same_bytes(stage):
    told = killed(stage, "--kills", str(KILLS))
    assert told["kills"] >= KILLS
    refuse_any_difference(told)


@pytest.mark.s3
def test_a_killed_stage_goes_on_from_an_s3_store(s3_bucket):
    told = killed("prune", "--kills", "8", "--place", f"{s3_bucket}/checkpoints of 团队")
    assert told["kills"] >= 8
    refuse_any_difference(told)
