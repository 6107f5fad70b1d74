"""What Jetpack Benchmark writes: `…-benchmarkData.json` of a microbenchmark or a macrobenchmark.

Source: androidx.benchmark's JSON as its reference describes it
(developer.android.com/topic/performance/benchmarking), seen in files of versions 1.1 to 1.3.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from potstill.errors import InputError
from potstill.validate.devices.measurement import Measurement, numbers, of_runs
from potstill.validate.devices.names import is_cold_start, model_of, tokens_of

TIMES = {"timeNs": 1e-6, "predictFirstMs": 1.0}  # to milliseconds
COLD_STARTS = {"coldStartFirstMs": 1.0, "coldStartSumMs": 1.0}
MEMORY = ("memoryRssAnonMaxKb", "memoryRssFileMaxKb")  # together what the process holds; of 1,024 bytes
KIBIBYTES = 1024 / 1_000_000
WARNINGS = ("EMULATOR", "DEBUGGABLE")  # Jetpack writes these before a test's name where its times mean little


def is_android(body: Any) -> bool:
    """Tell it by its two parts."""
    return isinstance(body, dict) and isinstance(body.get("benchmarks"), list) and isinstance(body.get("context"), dict)


def read_android(body: Mapping[str, Any]) -> Iterator[Measurement]:
    """Read every benchmark of the file; each must measure an exported model."""
    device, system = _device(body["context"])
    if not body["benchmarks"]:
        raise InputError("no benchmarks in it; run the tests first")
    for each in body["benchmarks"]:
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            raise InputError("a benchmark without a name; is it what Jetpack Benchmark wrote?")
        yield _measurement(each, device, system)


def _device(context: Mapping[str, Any]) -> tuple[str, str]:
    build = context.get("build")
    if not isinstance(build, dict) or not isinstance(build.get("model"), str) or not build["model"]:
        raise InputError("context.build.model is missing; it names the device")
    version = build.get("version")
    level = version.get("sdk") if isinstance(version, dict) else None
    return build["model"], f"Android, API level {level}" if isinstance(level, int) else "Android"


def _measurement(benchmark: Mapping[str, Any], device: str, system: str) -> Measurement:
    test = benchmark["name"]
    warned = [word for word in WARNINGS if word in test.split("_")]
    if warned:
        raise InputError(
            f"{test!r} was measured with {', '.join(warned)}: that is no phone's time; run a release build"
        )
    params = benchmark.get("params")
    params = params if isinstance(params, dict) else {}
    name, length = str(params.get("model", test)), str(params.get("tokens", ""))
    tokens = tokens_of(f"{length}tokens" if length else test)
    figures = _figures(benchmark, test)
    return Measurement(model_of(name), device, system, tokens, **figures, source="android")


def _figures(benchmark: Mapping[str, Any], test: str) -> dict[str, Any]:
    metrics = benchmark.get("metrics")
    metrics = metrics if isinstance(metrics, dict) else {}
    found: dict[str, Any] = {}
    for metric, scale in (TIMES | COLD_STARTS).items():
        if metric in metrics:
            runs = numbers(_runs(metrics[metric]), scale, f"{test}, {metric}")
            cold = metric in COLD_STARTS or is_cold_start(test)
            found |= {"cold_start_ms": float(np.median(runs))} if cold else of_runs(runs, f"{test}, {metric}")
    held = [
        numbers(_runs(metrics[metric]), KIBIBYTES, f"{test}, {metric}", zero=True)
        for metric in MEMORY
        if metric in metrics
    ]
    if len(held) == len(MEMORY):
        found["memory_mb"] = max(sum(pair) for pair in zip(*held, strict=False))
    if not found:
        wanted = ", ".join([*TIMES, *COLD_STARTS, " with ".join(MEMORY)])
        raise InputError(f"{test!r} has none of {wanted}; it has {', '.join(sorted(metrics)) or 'no metrics'}")
    return found


def _runs(metric: Any) -> Any:
    return metric.get("runs") if isinstance(metric, dict) else None
