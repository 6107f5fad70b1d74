"""What was measured of one model on one device, and how the pieces of it come together."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import Any

import numpy as np

from potstill.errors import InputError

FEWEST = 20  # runs: a 95th percentile of fewer is near the slowest of them, whatever the device
FIGURES = ("p50_ms", "p95_ms", "memory_mb", "cold_start_ms", "runs")
PLAUSIBLE = 1e7  # milliseconds or megabytes; beyond, the unit is not what the reader takes it for


@dataclass(frozen=True)
class Measurement:
    """One model on one device, at one length where that is known.

    Attributes:
        model: a key of validate's models.
        device: its name, "iPhone 15".
        system: "iOS 18.1"; empty where the file does not say.
        tokens: length of the text; None where it is not told.
        p50_ms: median of one row's milliseconds.
        p95_ms: 95th percentile.
        memory_mb: megabytes of 1,000,000 bytes, at the peak.
        cold_start_ms: from an unopened file to the first answer, median.
        runs: timed runs behind p50 and p95; 0 where none is.
        source: "potstill", "android" or "xcode".
    """

    model: str
    device: str
    system: str = ""
    tokens: int | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    memory_mb: float | None = None
    cold_start_ms: float | None = None
    runs: int = 0
    source: str = "potstill"


def of_runs(runs: Sequence[float], what: str) -> dict[str, Any]:
    """Median and 95th percentile, linearly interpolated, of at least FEWEST runs in milliseconds."""
    if len(runs) < FEWEST:
        raise InputError(f"{what}: {len(runs)} runs are too few for a 95th percentile; measure {FEWEST} at least")
    p50, p95 = np.percentile(runs, [50, 95])
    return {"p50_ms": float(p50), "p95_ms": float(p95), "runs": len(runs)}


def numbers(values: Any, scale: float, what: str, *, zero: bool = False) -> list[float]:
    """Check that these are positive, finite numbers, and bring them to milliseconds or megabytes."""
    if not isinstance(values, list) or not values:
        raise InputError(f"{what}: no runs; wanted a list of numbers")
    wrong = [each for each in values if not _number(each) or not (0 < each * scale < PLAUSIBLE or (zero and each == 0))]
    if wrong:
        raise InputError(f"{what}: {wrong[0]!r} is no plausible measurement; wanted a positive number")
    return [float(each * scale) for each in values]


def _number(value: Any) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    except OverflowError:  # an integer that no float holds
        return False


def merge(found: Iterable[Measurement]) -> list[dict[str, Any]]:
    """Join what several tests measured of the same model on the same device; the same figure twice is refused."""
    joined: dict[tuple[object, ...], Measurement] = {}
    for each in found:
        key = each.model, each.device, each.system, each.tokens
        joined[key] = _join(joined[key], each) if key in joined else each
    return [asdict(each) for each in joined.values()]


def _join(one: Measurement, other: Measurement) -> Measurement:
    new = {name: getattr(other, name) for name in FIGURES if getattr(other, name)}
    twice = [name for name in new if getattr(one, name)]
    if twice:
        raise InputError(f"{', '.join(twice)} of {one.model} on {one.device} stand twice; give each measurement once")
    return replace(one, **new)
