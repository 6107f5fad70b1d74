"""Wait for a run on a cluster, and tell its steps as they begin and end."""

import sys
import time
from collections.abc import Collection
from typing import Any

from pipelines.kfp_host import KfpHost, may_pass
from potstill.errors import JobError
from potstill.interrupts import STOPPED, stop_no_more
from potstill.one_line import one_line

EVERY = 10.0  # seconds between two questions
PATIENCE = 300.0  # seconds that KFP may be silent, as while its pod moves; the run goes on without it
ENDS = {"SUCCEEDED": 0, "FAILED": 1, "CANCELED": 1, "SKIPPED": 1}
OUTCOMES = {"SUCCEEDED": "done", "SKIPPED": "from the cache", "FAILED": "FAILED", "CANCELED": "cancelled"}


def follow(host: KfpHost, run: str, steps: Collection[str]) -> int:
    """Wait until a run has ended.

    Args:
        host: KFP.
        run: its id.
        steps: names of the tasks to tell of.

    Returns: 0 it succeeded; 1 it failed or was cancelled; 130 the waiting was stopped, and the run goes on.

    Raises:
        JobError: KFP refuses, or is silent for longer than PATIENCE; the run goes on.
    """
    told: dict[str, str] = {}
    began = time.monotonic()
    try:
        while True:
            found = _asked(host, run)
            _tell_steps(found, steps, told)
            if found.state in ENDS:
                _tell_end(found, time.monotonic() - began)
                return ENDS[found.state]
            time.sleep(EVERY)
    except KeyboardInterrupt:
        stop_no_more()
        print(f"potstill: waits no longer; the run goes on: {host.url(run)}", file=sys.stderr)
        return STOPPED


def _asked(host: KfpHost, run: str) -> Any:
    """Ask for the run, again and again while the answer may come yet."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return host.run(run)
        except JobError as failed:
            if not may_pass(failed) or time.monotonic() > until:
                raise JobError(f"{failed}; the run goes on: {host.url(run)}") from failed
        time.sleep(min(EVERY, PATIENCE / 10))


def _tell_steps(run: Any, steps: Collection[str], told: dict[str, str]) -> None:
    details = run.run_details
    for task in (details.task_details if details else None) or []:
        state = task.state
        if task.display_name not in steps or told.get(task.task_id) == state:
            continue
        before = told.get(task.task_id)
        told[task.task_id] = state
        if before is None and (state == "RUNNING" or state in OUTCOMES):
            print(f"▸ {task.display_name}", file=sys.stderr)
        if state in OUTCOMES:
            print(f"  {task.display_name}: {OUTCOMES[state]}{_seconds(task)}{_why(task)}", file=sys.stderr)
    sys.stderr.flush()


def _seconds(task: Any) -> str:
    if task.state != "SUCCEEDED" or not (task.start_time and task.end_time):
        return ""
    return f" in {(task.end_time - task.start_time).total_seconds():.0f} s"


def _why(told: Any) -> str:
    message = told.error.message if told.error else ""
    return f": {one_line(message)}" if message else ""


def _tell_end(run: Any, seconds: float) -> None:
    print(f"run {OUTCOMES[run.state]} after {seconds:.0f} s of waiting{_why(run)}", file=sys.stderr)
