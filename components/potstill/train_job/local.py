"""Jobs as processes of this machine, through the SDK's local-process backend: to try a job without a cluster.

The SDK makes a virtual environment for each job and would fill it with pip. Here it stays empty: the processes import
what this one imports.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kubeflow.trainer import CustomTrainer, LocalProcessBackendConfig, TrainerClient
from kubeflow.trainer.constants import constants
from kubeflow.trainer.options import Name

import potstill
from potstill.errors import JobError, OptionError
from potstill.train_job.config import TrainJobConfig
from potstill.train_job.jobs import DONE, FAILED, GOING, Job
from potstill.train_job.work import Work

STATES = {constants.TRAINJOB_COMPLETE: DONE, constants.TRAINJOB_FAILED: FAILED}


def run_remote(given: dict[str, list[str]]) -> None:
    """Run a job's command line; the SDK ships this function as text, so all that it needs stands inside."""
    import os  # noqa: PLC0415
    import sys  # noqa: PLC0415

    sys.path[:0] = given["imports"]
    os.environ["PYTHONPATH"] = os.pathsep.join(given["imports"])
    from potstill.remote.command import main  # noqa: PLC0415

    raise SystemExit(main(given["arguments"]))


class LocalProcesses:
    """Where jobs run: processes of this machine, which end with this one's wish and know of no other launcher."""

    def __init__(self) -> None:
        self._client = TrainerClient(LocalProcessBackendConfig())
        self._yielded = 0

    def find(self, name: str) -> Job | None:
        """Return a job; None where there is none of this name."""
        try:
            return Job(STATES.get(self._client.get_job(name).status, GOING))
        except ValueError:
            return None

    def create(self, work: Work, config: TrainJobConfig) -> None:
        """Start a job under the work's name."""
        if config.nodes > 1:
            raise OptionError(f"nodes must be 1 with local-process, got {config.nodes}; pass processes_per_node")
        runtime = self._client.get_runtime(constants.DEFAULT_TRAINING_RUNTIME)
        runtime.trainer.framework = "potstill"  # under "torch" the SDK runs the torchrun of its empty environment
        sizes = {"PET_NNODES": "1", "PET_NPROC_PER_NODE": str(config.processes_per_node)}
        trainer = CustomTrainer(
            func=run_remote,
            func_args={"arguments": work.arguments, "imports": _imports()},
            env={**os.environ, **sizes},
        )
        self._client.train(runtime=runtime, trainer=trainer, options=[Name(work.job_name)])

    def delete(self, name: str) -> None:
        """End a job's process, and delete the environment that the SDK leaves behind when a job fails."""
        self._client.delete_job(name)
        for environment in Path(tempfile.gettempdir()).glob(f"{name}*"):
            shutil.rmtree(environment, ignore_errors=True)

    def suspend(self, name: str) -> None:
        """End a job's process; its checkpoints are what stays."""
        self.delete(name)

    def resume(self, name: str) -> None:
        """Refuse: no job is ever suspended here."""
        raise JobError(f"{name} is not suspended; local-process keeps no job")

    def lines(self, name: str) -> Iterator[str]:
        """Yield what the job has said and was not yet yielded."""
        said = list(self._client.get_job_logs(name))
        fresh, self._yielded = said[self._yielded :], len(said)
        yield from fresh


def _imports() -> list[str]:
    """Where this process has its modules from."""
    return [str(Path(potstill.__file__).parents[1]), *filter(None, sys.path)]
