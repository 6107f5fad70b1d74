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
        p50_ms: the median over the rows.
        p95_ms: 95th percentile over the rows, linearly interpolated.
    """

    p50_ms: float
    p95_ms: float


def measure_latency(calls: Sequence[Callable[[], object]], warmup: int) -> Latency:
    """Time each call once, after `warmup` calls that are not counted.

    Args:
        calls: one per row, with everything but the model's own work done before.
        warmup: uncounted calls, from the first row on and round again; they fill caches and allocate arenas.
    """
    for index in range(warmup):
        calls[index % len(calls)]()
    p50, p95 = np.percentile([_milliseconds(call) for call in calls], [50, 95])
    return Latency(float(p50), float(p95))


def _milliseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000
