"""Latency of one row: what a user waits for, batch 1, one thread."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

CLOCK = "wall time by time.perf_counter"


@dataclass(frozen=True)
class Latency:
    """How long one row takes, in milliseconds of wall time.

    Attributes:
        p50_ms: the median over the calls.
        p95_ms: 95th percentile over the calls, linearly interpolated.
        p99_ms: 99th percentile, likewise; of fewer than a hundred calls little more than the slowest.
    """

    p50_ms: float
    p95_ms: float
    p99_ms: float


def measure_latency(calls: Sequence[Callable[[], object]], warmup: int) -> tuple[Latency, tuple[float, ...]]:
    """Time each call once, after `warmup` calls that are not counted.

    Args:
        calls: one per row, with everything but the model's own work done before.
        warmup: uncounted calls, from the first row on and round again; they fill caches and allocate arenas.

    Returns: the percentiles, and each call's milliseconds.
    """
    for index in range(warmup):
        calls[index % len(calls)]()
    times = tuple(milliseconds(call) for call in calls)
    return percentiles(times), times


def percentiles(times: Sequence[float]) -> Latency:
    """Sum up milliseconds of calls; at least one."""
    return Latency(*(float(each) for each in np.percentile(times, [50, 95, 99])))


def milliseconds(call: Callable[[], object]) -> float:
    """Time one call."""
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000
