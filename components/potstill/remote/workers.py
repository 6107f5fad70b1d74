"""One training process, or several under torchrun as the PET_* variables of Kubeflow Trainer ask for."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from potstill.progress import tell

WORKER = "potstill.remote.worker"
SIGNALLED = 128  # what a shell adds to a signal's number
SIZES = ("PET_NNODES", "PET_NPROC_PER_NODE")


def train(stage: str, arguments: Sequence[str], measured: Path) -> int:
    """Run a stage to its end.

    Args:
        stage: its name.
        arguments: its command line, all folders local.
        measured: where the first process writes what it measured, as JSON.

    Returns: the exit code of the stage, of several processes that of the one that failed first; 128 and the signal's
        number where one was ended by a signal.
    """
    command = [str(measured), stage, *arguments]
    if all(os.environ.get(size, "1") == "1" for size in SIZES):
        from potstill.remote.worker import main  # noqa: PLC0415 - it loads what the stage computes with

        return main(command)
    return _under_torchrun(command)


def _under_torchrun(command: list[str]) -> int:
    from torch.distributed.elastic.multiprocessing.api import SignalException  # noqa: PLC0415 - torch takes seconds
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError  # noqa: PLC0415
    from torch.distributed.run import main  # noqa: PLC0415

    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)  # a worker says itself why it ended
    try:
        main(["-m", "--", WORKER, *command])  # without the --, torchrun would read --start as one of its own
    except ChildFailedError as failed:
        rank, failure = failed.get_first_failure()
        if failure.exitcode >= 0:
            return int(failure.exitcode)
        tell(f"training process {rank} was ended by {failure.signal_name()}; SIGKILL is mostly want of memory")
        return SIGNALLED - int(failure.exitcode)
    except SignalException as ended:
        return SIGNALLED + int(ended.sigval)
    return 0
