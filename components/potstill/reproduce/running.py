"""A stage as a process: its own environment, its own log, and no trace of it when the whole is stopped."""

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import current_thread, main_thread
from types import FrameType
from typing import NoReturn

from potstill.artifacts import Artifact
from potstill.errors import ArtifactError
from potstill.reproduce.here import Machine, held_down
from potstill.reproduce.plan import named

# Of torchrun and Kubeflow Trainer; a stage that read them would wait for others.
VARIABLES = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
REVISION = re.compile(r"[0-9A-Za-z._+/-]{0,100}")
LONG = 20.0  # seconds that a stage has to clean up behind it


def run(command: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
    """Run a process to its end, whose words go into a log that begins with its command line.

    Args:
        command: its arguments.
        environment: all its variables.
        log: the file to write.

    Returns: its exit code; −N where signal N ended it.
    """
    with log.open("w", encoding="utf-8") as stream:
        stream.write(f"{shlex.join(command)}\n")
        stream.flush()
        process = subprocess.Popen(  # noqa: S603 - this very program; every option is one word of its own
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # Ctrl-C comes to this process alone, which ends all of theirs
        )
        try:
            with _stoppable():
                return process.wait()
        finally:
            _end(process)


def environment_of(artifact: Artifact, machine: Machine) -> dict[str, str]:
    """Return the variables that a stage is run with: this process's, but for what would change its bytes.

    The revision is that of the evidence, which is believed where the source is the same. Threads that no option says
    are those that the manifest tells.

    Raises:
        ArtifactError: a revision or a number of threads that no stage writes.
    """
    told = artifact.made_by
    threads = told["processor"].get("threads", 1)
    if not REVISION.fullmatch(str(told["revision"])) or type(threads) is not int:
        raise ArtifactError(f"{named(artifact)} tells a revision or threads that are none; its manifest is forged")
    ours = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    ours.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in a pipeline: threads that spin starve one another
    if told["source"] == machine.source:
        ours["POTSTILL_REVISION"] = str(told["revision"])
    if "threads" in told["processor"] and "threads" not in told["config"]:
        ours["OMP_NUM_THREADS"] = str(threads)
    return ours | held_down(artifact, machine)


def last_words(log: Path) -> str:
    """Return the line that tells why a stage ended: its own refusal, else the last line of its log."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("potstill: error: ")]
    return (told or lines or ["no word"])[-1].removeprefix("potstill: error: ")


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM, as of a scheduler, end the work as Ctrl-C does: a stage left alone would run on for hours."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it has started, gently first."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(LONG)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
