"""What Xcode's command line gives of performance tests: `xcrun xcresulttool get test-results metrics`.

Source: the command's own schema 0.1.0 (`… metrics --schema`): an array of tests, each with its runs, each run with a
device and its metrics. XCTest's kB is of 1,000 bytes (UnitInformationStorage.kilobytes).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from potstill.errors import InputError
from potstill.validate.devices.measurement import Measurement, numbers, of_runs
from potstill.validate.devices.names import is_cold_start, model_of, tokens_of

CLOCK = ("com.apple.dt.XCTMetric_Clock.time.monotonic", "Clock Monotonic Time")
PEAK = ("com.apple.dt.XCTMetric_Memory.physical_peak", "Memory Peak Physical")
MILLISECONDS = {"s": 1e3, "ms": 1.0, "µs": 1e-3, "μs": 1e-3, "us": 1e-3, "ns": 1e-6}
MEGABYTES = {"B": 1e-6, "kB": 1e-3, "KB": 1e-3, "KiB": 1024e-6, "MB": 1.0, "MiB": 1.048576}


def is_xcode(body: Any) -> bool:
    """Tell it by its tests' identifiers."""
    return isinstance(body, list) and any(isinstance(each, dict) and "testIdentifier" in each for each in body)


def read_xcode(body: Sequence[Any]) -> Iterator[Measurement]:
    """Read every run of every test; each must measure an exported model."""
    for test in body:
        if not isinstance(test, dict) or not isinstance(test.get("testIdentifier"), str):
            raise InputError("a test without a testIdentifier; is it what xcresulttool wrote?")
        runs = test.get("testRuns")
        if not isinstance(runs, list) or not runs:
            raise InputError(f"{test['testIdentifier']!r} has no testRuns; did it run?")
        for run in runs:
            yield _measurement(test["testIdentifier"], run)


def _measurement(test: str, run: Any) -> Measurement:
    device, system = _device(test, run)
    figures: dict[str, Any] = {}
    for metric in run["metrics"] if isinstance(run.get("metrics"), list) else []:
        if not isinstance(metric, dict):
            raise InputError(f"{test!r} has a metric that is no object; is it what xcresulttool wrote?")
        figures |= _figures(test, metric)
    if not figures:
        raise InputError(f"{test!r} measures neither time nor memory; pass XCTClockMetric() to measure(metrics:)")
    return Measurement(model_of(test), device, system, tokens_of(test), **figures, source="xcode")


def _device(test: str, run: Any) -> tuple[str, str]:
    device = run.get("device") if isinstance(run, dict) else None
    if not isinstance(device, dict) or not isinstance(device.get("deviceName"), str) or not device["deviceName"]:
        raise InputError(f"{test!r} has a run without a device; is it what xcresulttool wrote?")
    platform, version = str(device.get("platform", "")), str(device.get("osVersion", ""))
    if "Simulator" in platform or "Simulator" in device["deviceName"]:
        raise InputError(f"{test!r} was measured in a simulator, which computes as the Mac does; run it on a phone")
    return str(device.get("modelName") or device["deviceName"]), f"{platform} {version}".strip()


def _figures(test: str, metric: Mapping[str, Any]) -> dict[str, Any]:
    names = metric.get("identifier"), metric.get("displayName")
    if CLOCK[0] == names[0] or (names[0] is None and CLOCK[1] == names[1]):
        runs = _measured(test, metric, MILLISECONDS)
        return {"cold_start_ms": float(np.median(runs))} if is_cold_start(test) else of_runs(runs, test)
    if PEAK[0] == names[0] or (names[0] is None and PEAK[1] == names[1]):
        return {"memory_mb": max(_measured(test, metric, MEGABYTES))}
    return {}


def _measured(test: str, metric: Mapping[str, Any], units: Mapping[str, float]) -> list[float]:
    unit, what = str(metric.get("unitOfMeasurement")), f"{test}, {metric.get('displayName', 'metric')}"
    if unit not in units:
        raise InputError(f"{what}: unit {unit!r} is not one of {', '.join(units)}")
    return numbers(metric.get("measurements"), units[unit], what)
