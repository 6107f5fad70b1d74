"""Start a job or take up the one that a launcher before began, follow it to its end, and clean up."""

import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from potstill.errors import JobError, OptionError
from potstill.interrupts import STOPPED
from potstill.progress import tell
from potstill.train_job.config import CLUSTER, TrainJobConfig
from potstill.train_job.jobs import DONE, FAILED, SUSPENDED, Job, Jobs
from potstill.train_job.relay import relayed
from potstill.train_job.work import Work

POLL_SECONDS = 5.0  # between two looks at a job
PATIENCE_SECONDS = 600.0  # how long a cluster may be out of reach before the launcher ends; the job goes on
SLACK_SECONDS = 120.0  # beyond the deadline, for the cluster to end the job itself
REASON = "potstill: error: "


def launch(work: Work, config: TrainJobConfig) -> None:
    """Have a piece of work done by a job; a retry of it finds the job that is running, or done.

    Args:
        work: the stage, its folders and its options.
        config: where and how large the job is.

    Raises:
        JobError: the job failed, and was deleted; or it cannot be started or reached, and is left as it is.
        OptionError: no checkpoint_uri for pods that may be taken away.
        SystemExit: this process was told to end; the job is suspended, and a retry resumes it.
    """
    if config.backend == CLUSTER and not work.options.get("checkpoint_uri"):
        raise OptionError(
            "checkpoint_uri is empty; pass s3://bucket/prefix, which outlives the pods and lets a job be taken up again"
        )
    jobs = _jobs(config)
    with suspended_at_the_end(jobs, work.job_name):
        begin(jobs, work, config)
        follow(jobs, work.job_name, config.deadline_seconds)


def begin(jobs: Jobs, work: Work, config: TrainJobConfig) -> None:
    """Create the job of a piece of work, unless it is there; one that failed is made anew."""
    name = work.job_name
    found = jobs.find(name)
    if found and found.state == FAILED:
        tell(f"TrainJob {name} failed before ({found.what}); it is made anew")
        jobs.delete(name)
        found = None
    if found is None:
        tell(f"TrainJob {name}: {config.nodes} x {config.processes_per_node} processes")
        jobs.create(work, config)
    elif found.state == SUSPENDED:
        tell(f"TrainJob {name} was suspended; it goes on")
        jobs.resume(name)
    else:
        tell(f"TrainJob {name} is there already; it is followed")


def follow(jobs: Jobs, name: str, deadline_seconds: float) -> None:
    """Tell what a job says until it is done.

    Raises:
        JobError: it failed, was deleted by someone, or is past its deadline; or the cluster was out of reach too long.
    """
    late = time.monotonic() + deadline_seconds + SLACK_SECONDS
    with relayed(jobs, name, POLL_SECONDS) as said:
        job = _end(jobs, name, late)
    if job.state != DONE:
        raise JobError(f"TrainJob {name} failed: {_reason(job, said)}; {_deleted(jobs, name)}")


def _end(jobs: Jobs, name: str, late: float) -> Job:
    told, reached = "", time.monotonic()
    while True:
        try:
            job = jobs.find(name)
            reached = time.monotonic()
        except JobError as failed:
            if time.monotonic() - reached > PATIENCE_SECONDS:
                raise
            tell(f"{failed}; trying again")
            time.sleep(POLL_SECONDS)
            continue
        if job is None:
            raise JobError(f"TrainJob {name} is gone: someone deleted it; run the step again")
        if job.state in (DONE, FAILED):
            return job
        if time.monotonic() > late:
            return Job(FAILED, "it is past its deadline")
        if job.what != told:
            told = job.what
            tell(f"TrainJob {name}: {job.state}, {told}")
        time.sleep(POLL_SECONDS)


@contextmanager
def suspended_at_the_end(jobs: Jobs, name: str) -> Iterator[None]:
    """Suspend the job when this process is told to end.

    KFP gives a step about a second when its run is terminated or its node is drained. One request fits into that: the
    pods go, the job and its checkpoints stay, and a retry resumes it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    except KeyboardInterrupt:
        print(f"potstill: stopped; {_suspended(jobs, name)}", file=sys.stderr)
        raise SystemExit(STOPPED) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _suspended(jobs: Jobs, name: str) -> str:
    try:
        jobs.suspend(name)
    except JobError as failed:
        return str(failed)
    return f"TrainJob {name} is suspended, and the same step resumes it"


def _deleted(jobs: Jobs, name: str) -> str:
    try:
        jobs.delete(name)
    except JobError as failed:
        return str(failed)
    return "it was deleted, and its last lines are above"


def _reason(job: Job, said: Sequence[str]) -> str:
    """What the stage itself refused, else what the cluster says, else the last line."""
    refusals = [line.partition(REASON)[2] for line in said if REASON in line]
    last = next((line.strip() for line in reversed(said) if line.strip()), "it said nothing")
    return refusals[-1] if refusals else job.what or last


def _jobs(config: TrainJobConfig) -> Jobs:
    if config.backend == CLUSTER:
        from potstill.train_job.cluster import Cluster  # noqa: PLC0415 - the SDK takes a second to load

        return Cluster(POLL_SECONDS)
    from potstill.train_job.local import LocalProcesses  # noqa: PLC0415

    return LocalProcesses()
