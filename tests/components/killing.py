"""Kill training stages at random moments, run them again until they end, and compare what came of it.

    python tests/components/killing.py [stage …] [--kills 20] [--place file:///…|s3://…]

A process that has loaded the libraries, and computed nothing, is forked for each attempt: an attempt then takes less
than a second, and a kill falls anywhere in the stage, into the saving of a checkpoint too.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))

from conftest import make_checkpoint, make_tokenizer, make_tokens  # noqa: E402

from potstill.artifacts import sha256_of  # noqa: E402
from potstill.distill import DistillConfig, distill_student  # noqa: E402
from potstill.provenance import revision, source_digest  # noqa: E402
from potstill.prune import PruneConfig, prune_checkpoint  # noqa: E402
from potstill.qat import QatConfig, quantize_checkpoint  # noqa: E402
from potstill.teacher_train import TeacherTrainConfig, train_teacher  # noqa: E402
from potstill.training.resume import saver  # noqa: E402

AT_MOST = 3  # kills of one run, which is then let end: on a busy machine it might never
SIGNALS = [signal.SIGKILL] * 4 + [signal.SIGTERM]
COMMON: dict[str, Any] = {"threads": 1, "batch_size": 8, "dtype": "float32", "checkpoint_seconds": 1e-4}
PRUNING: dict[str, Any] = {
    "rounds": 3,
    "importance": "movement",
    "drop_layers": 1,
    "vocabulary_min_count": 1,
    "max_accuracy_drop": 100,
}
LEARNED = {"ranges": "learned", "calibration": "percentile", "smoothing": 0.5, "max_accuracy_drop": 100}
Stage = Callable[[Path, Path, str], object]

# A stage with all that it may have to take up again: several trainings, an average of the weights, projections, ranges.
STAGES: dict[str, Stage] = {
    "teacher-train": lambda made, out, uri: train_teacher(
        made / "tokens", made / "small", out, TeacherTrainConfig(epochs=3, ema=0.9, checkpoint_uri=uri, **COMMON)
    ),
    "distill": lambda made, out, uri: distill_student(
        made / "large",
        made / "tokens",
        out,
        DistillConfig(epochs=2, general_epochs=1, recipe="tinybert", control=True, checkpoint_uri=uri, **COMMON),
    ),
    "prune": lambda made, out, uri: prune_checkpoint(
        made / "small", made / "tokens", out, PruneConfig(checkpoint_uri=uri, **PRUNING, **COMMON)
    ),
    "qat": lambda made, out, uri: quantize_checkpoint(
        made / "small", made / "tokens", out, QatConfig(epochs=2, checkpoint_uri=uri, **COMMON)
    ),
    "qat-learned": lambda made, out, uri: quantize_checkpoint(
        made / "small", made / "tokens", out, QatConfig(epochs=2, checkpoint_uri=uri, **LEARNED, **COMMON)
    ),
}


def main() -> None:
    """Kill the stages that are asked for, and print one line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", metavar="stage", help=f"of {', '.join(STAGES)}; all by default")
    parser.add_argument("--kills", type=int, default=20, help="attempts to kill, of each stage")
    parser.add_argument("--place", default="", help="URI of the checkpoints; a temporary folder by default")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    given = parser.parse_args()
    saver.COST = float("inf")  # steps of milliseconds: the limit on what saving may cost would forbid nearly all of it
    source_digest(), revision()  # read once, so that sources edited meanwhile make no difference
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _end(_fork(lambda: _make(folder)))
        for stage in given.stages or STAGES:
            place = given.place or (folder / "checkpoints").as_uri()
            print(json.dumps(kill(stage, folder, place, given.kills, random.Random(given.seed))), flush=True)


def kill(stage: str, folder: Path, place: str, kills: int, chance: random.Random) -> dict[str, Any]:
    """Run a stage again and again, killing it at random moments, until it was killed so many times.

    Returns: kills, how often a state was taken up again, runs that the kills fell on; the digest of a run that kept
        nothing and nobody disturbed, of one that kept its states, and those of the killed runs; seconds of one run.
    """
    _end(_start(stage, folder, "undisturbed", ""))
    began = time.monotonic()
    _end(_start(stage, folder, "kept", f"{place}/kept"))
    seconds = time.monotonic() - began
    done, digests = 0, []
    while done < kills:
        name = f"killed-{len(digests)}"
        for _ in range(AT_MOST):
            done += _killed(_start(stage, folder, name, f"{place}/{name}"), chance.uniform(0, seconds), chance)
        _end(_start(stage, folder, name, f"{place}/{name}"))
        digests.append(_digest(folder, stage, name))
    return {
        "stage": stage,
        "kills": done,
        "taken_up_again": (folder / f"{stage}.log").read_text(encoding="utf-8").count("taken up again"),
        "runs": len(digests),
        "undisturbed": _digest(folder, stage, "undisturbed"),
        "kept": _digest(folder, stage, "kept"),
        "killed": sorted(set(digests)),
        "seconds": round(seconds, 2),
    }


def _start(stage: str, folder: Path, name: str, uri: str) -> int:
    log = folder / f"{stage}.log"
    return _fork(lambda: STAGES[stage](folder, folder / stage / name, uri), log)


def _killed(process: int, after: float, chance: random.Random) -> bool:
    """Kill a process after some seconds; → whether it was still there. One that ended by itself must have succeeded."""
    time.sleep(after)
    ended, status = os.waitpid(process, os.WNOHANG)
    if ended:
        _succeeded(status)
        return False
    os.kill(process, chance.choice(SIGNALS))
    os.waitpid(process, 0)
    return True


def _digest(folder: Path, stage: str, name: str) -> str:
    return sha256_of(folder / stage / name / "artifact.json")


def _fork(work: Callable[[], object], log: Path | None = None) -> int:
    process = os.fork()
    if process:
        return process
    if log:
        target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(target, 1), os.dup2(target, 2)
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def _end(process: int) -> None:
    _succeeded(os.waitpid(process, 0)[1])


def _succeeded(status: int) -> None:
    if status:
        raise RuntimeError(f"a stage that nobody killed ended with status {status}")


def _make(folder: Path) -> None:
    make_tokenizer(folder / "tokenizer")
    make_tokens(folder / "tokens", folder / "tokenizer")
    make_checkpoint(folder / "small", folder / "tokenizer")
    make_checkpoint(folder / "large", folder / "tokenizer", layers=4)


if __name__ == "__main__":
    main()
