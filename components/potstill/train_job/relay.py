"""A job's log, repeated where the launcher's own log is read."""

import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from potstill.errors import JobError
from potstill.progress import tell
from potstill.train_job.jobs import Jobs

LAST_LINES = 50
SLACK_SECONDS = 5.0  # for the last lines to come


@contextmanager
def relayed(jobs: Jobs, name: str, poll_seconds: float) -> Iterator[deque[str]]:
    """Repeat on stderr what a job's first pod says while the block runs; gives the last lines."""
    said: deque[str] = deque(maxlen=LAST_LINES)
    ended = threading.Event()
    thread = threading.Thread(target=_relay, args=(jobs, name, said, ended, poll_seconds), daemon=True)
    thread.start()
    try:
        yield said
    finally:
        ended.set()
    thread.join(2 * poll_seconds + SLACK_SECONDS)  # not after an exception: a process that is told to end has no time


def _relay(jobs: Jobs, name: str, said: deque[str], ended: threading.Event, poll_seconds: float) -> None:
    last, trouble = False, ""
    while not last:
        last = ended.is_set()  # one more look after the end
        try:
            for line in jobs.lines(name):
                said.append(line)
                print(line, file=sys.stderr, flush=True)
        except JobError as failed:
            if str(failed) != trouble:
                trouble = str(failed)
                tell(trouble)
        ended.wait(poll_seconds)
