"""A stage as a process of the command line, forked from one that has loaded the libraries, so that it begins at once.

with stage(log, "teacher-train", "--tokens", …, fault=partial(killed, 5, SIGTERM)) as process: …
"""

import multiprocessing
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import transformers.trainer_utils  # noqa: F401 - what loading a model loads
from transformers import BertForSequenceClassification, BertTokenizerFast  # noqa: F401 - likewise

import potstill.distill.stage
import potstill.prune.stage
import potstill.qat.stage
import potstill.teacher_train.stage  # noqa: F401 - the processes are forked with them loaded
from potstill import cli
from potstill.provenance import revision, source_digest
from potstill.training import loop

ROOT = Path(__file__).parents[1]
LONG = 60  # seconds after which a process that hangs is given up

source_digest(), revision()  # read once for all of them


@contextmanager
def forked(log: Path, work: Callable[[], object], **environment: object) -> Iterator[BaseProcess]:
    """Let a process do something, and kill it if it is still there when the block ends.

    Args:
        log: what it writes to stdout and stderr.
        work: a function that pickle finds by its name; what it returns is the exit code.
        environment: variables that it has besides.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    variables = {name: str(value) for name, value in environment.items()}
    process = context.Process(target=_do, args=(log, work, variables))
    with pytest.MonkeyPatch.context() as patch:  # the server, which the first process starts, finds this module by it
        patch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), str(ROOT / "components"))))
        process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join(LONG)


def stage(log: Path, *arguments: object, fault: Callable[[], object] = int) -> AbstractContextManager[BaseProcess]:
    """Start a stage, as the command line does.

    Args:
        log: what it writes to stdout and stderr.
        arguments: of the command line; the first is the stage's name.
        fault: called in the process before the stage; a function that pickle finds by its name.
    """
    return forked(log, command(*arguments, fault=fault))


def run(log: Path, *arguments: object, fault: Callable[[], object] = int) -> tuple[int | None, str]:
    """Run a stage to its end; → its exit code (−15: ended by signal 15) and what it told."""
    with stage(log, *arguments, fault=fault) as process:
        process.join(LONG)
        code = process.exitcode
    return code, log.read_text(encoding="utf-8")


def run_group(log: Path, count: int, work: Callable[[], object], **environment: object) -> list[tuple[int | None, str]]:
    """Let several processes do the same as one group; → of each its exit code and what it told.

    Args:
        log: name of their logs, to which each adds its number.
        count: of processes.
        work: as `forked` has it.
        environment: likewise.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    logs = [log.with_name(f"{log.name}-{rank}") for rank in range(count)]
    group = {"WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port} | environment
    with ExitStack() as stack:
        members = [
            stack.enter_context(forked(each, work, RANK=rank, LOCAL_RANK=rank, **group))
            for rank, each in enumerate(logs)
        ]
        for member in members:
            member.join(LONG)
        codes = [member.exitcode for member in members]
    return [(code, each.read_text(encoding="utf-8")) for code, each in zip(codes, logs, strict=True)]


def command(*arguments: object, fault: Callable[[], object] = int) -> Callable[[], object]:
    """A stage of the command line as work for a process; arguments as `stage` has them."""
    return partial(_command, [str(each) for each in arguments], fault)


def _command(arguments: list[str], fault: Callable[[], object]) -> int:
    fault()
    return cli.main(arguments)


def _do(log: Path, work: Callable[[], object], variables: dict[str, str]) -> None:
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.environ.update(variables)
    tempfile.tempdir = None  # of the process it was forked from
    sys.exit(work())


def before_step(at: int, act: Callable[[], object]) -> None:
    """Do something in the middle of a training step, counted from 1 in the process; 0: of every one."""
    pad, begun = loop.pad, []

    def patched(*arguments: object) -> object:
        begun.append(1)
        if at in (0, len(begun)):
            act()
        return pad(*arguments)

    loop.pad = patched


def killed(at: int, by: int) -> None:
    """Send the process a signal in the middle of a step."""
    before_step(at, lambda: os.kill(os.getpid(), by))


def stands_still(at: int) -> None:
    """Let a step wait for ever, as for a file server that answers no more."""
    before_step(at, lambda: time.sleep(10 * LONG))


def slow(seconds: float) -> None:
    """Let every step take so long."""
    before_step(0, lambda: time.sleep(seconds))
