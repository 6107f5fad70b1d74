"""Milliseconds that can be compared, on a machine whose neighbours come and go."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from potstill.progress import progress

WARM_UP = 5  # rounds that do not count
QUICKER = 10  # percentile over the rounds. Whatever else runs only adds to a time, so the quick ones are the model's


def in_turns(calls: Sequence[Callable[[], object]], repeats: int, threads: int) -> npt.NDArray[np.float64]:
    """Time several calls, one after the other, round after round, so that a slow minute slows them all.

    Each finds the caches full of the others' weights, as the model of an app does that is asked now and then. In a loop
    of its own, a model that fits into the caches takes up to a quarter less, and its layers no longer add up.

    One thread is timed by its own processor time: what a user waits for where nothing else runs, and no more than that
    where something does. Several threads wait for each other, so there it is wall time.

    Args:
        calls: what to time, with everything but the model's own work done before.
        repeats: rounds that count; WARM_UP further ones come before them.
        threads: that each call computes on; one must be the caller's.

    Returns: (calls,) milliseconds, the 10th percentile of each over the rounds.
    """
    clock = time.thread_time if threads == 1 else time.perf_counter
    rounds = [
        [_milliseconds(call, clock) for call in calls]
        for _ in progress(range(WARM_UP + repeats), "timing in turns", unit="round")
    ]
    quick: npt.NDArray[np.float64] = np.percentile(rounds[WARM_UP:], QUICKER, axis=0)
    return quick


def _milliseconds(call: Callable[[], object], clock: Callable[[], float]) -> float:
    started = clock()
    call()
    return (clock() - started) * 1000
