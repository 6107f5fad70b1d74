"""A piece of work for a TrainJob, and how tests act on the cluster while a launcher follows it."""

import threading
import time
from contextlib import contextmanager

from potstill.train_job.config import TrainJobConfig
from potstill.train_job.work import Work

POLL = 0.02
CONFIG = TrainJobConfig(nodes=2)


def work(**changes):
    given = {
        "stage": "teacher-train",
        "image": "potstill/teacher-train:1",
        "folders": {"tokens": "s3://b/tokens", "start": "s3://b/start", "teacher": "s3://b/run/teacher"},
        "options": {"epochs": 3, "checkpoint_uri": "s3://b/checkpoints"},
        "measures": "s3://b/run/metrics",
        "digests": {"tokens": "12", "start": "34"},
    }
    return Work(**given | changes)


NAME = work().job_name


@contextmanager
def meanwhile(*steps):
    """Do things to the cluster while the block runs, one after the other."""
    failed = []

    def act():
        try:
            for step in steps:
                step()
        except BaseException as error:
            failed.append(error)
            raise

    thread = threading.Thread(target=act)
    thread.start()
    yield
    thread.join()
    assert failed == []


def wait_until(condition):
    def wait():
        until = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < until
            time.sleep(POLL / 2)

    return wait


def body():
    return {"metadata": {"name": NAME}, "spec": {}}
