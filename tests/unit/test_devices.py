"""Measurements of phones: the three forms, which model a test measures, and what is refused."""

import json

import numpy as np
import pytest

from potstill.errors import InputError
from potstill.validate.devices import read_devices, refuse_unknown
from potstill.validate.devices.names import model_of, tokens_of

RUNS = [4.0 + 0.1 * place for place in range(50)]
CLOCK = {"identifier": "com.apple.dt.XCTMetric_Clock.time.monotonic", "displayName": "Clock Monotonic Time"}
PEAK = {"identifier": "com.apple.dt.XCTMetric_Memory.physical_peak", "displayName": "Memory Peak Physical"}
BUILD = {
    "brand": "google",
    "device": "shiba",
    "fingerprint": "google/shiba/shiba:14/UD1A/1:user/release-keys",
    "model": "Pixel 8",
    "version": {"codename": "REL", "sdk": 34},
}


def own(**changed):
    entry = {"model": "coreml_int8", "device": "iPhone 15", "system": "iOS 18.1", "tokens": 32, "latencies_ms": RUNS}
    return {"schema": "potstill/devices/v1", "measurements": [entry | changed]}


def android(*benchmarks):
    context = {"build": BUILD, "cpuCoreCount": 9, "cpuLocked": False, "cpuMaxFreqHz": 2914000000}
    return {"context": context | {"memTotalBytes": 7948652544}, "benchmarks": list(benchmarks)}


def benchmark(name, params=None, **metrics):
    """As Jetpack Benchmark 1.2 writes one."""
    told = {
        metric: {"minimum": min(runs), "maximum": max(runs), "median": float(np.median(runs)), "runs": runs}
        for metric, runs in metrics.items()
    }
    return {
        "name": name,
        "params": params or {},
        "className": "com.example.LatencyBenchmark",
        "totalRunTimeNs": 42_000_000_000,
        "metrics": told,
        "sampledMetrics": {},
        "warmupIterations": 30,
        "repeatIterations": 1,
        "thermalThrottleSleepSeconds": 0,
    }


def xcode(name, *metrics, device=None):
    """As `xcresulttool get test-results metrics` prints one test."""
    run = {
        "device": device or {"deviceId": "00008120", "deviceName": "iPhone 15"},
        "testPlanConfiguration": {"configurationId": "1", "configurationName": "Test Scheme Action"},
        "metrics": list(metrics),
    }
    return {"testIdentifier": f"LatencyTests/{name}()", "testIdentifierURL": "test://x", "testRuns": [run]}


def measured(metric, unit, values):
    return metric | {"unitOfMeasurement": unit, "measurements": values, "polarity": "prefers smaller"}


def write(folder, body, name="devices.json"):
    path = folder / name
    path.write_text(body if isinstance(body, str) else json.dumps(body), encoding="utf-8")
    return path


def test_the_own_form_with_its_runs(tmp_path):
    (found,) = read_devices(write(tmp_path, own(memory_mb=41.5, cold_start_ms=88)))
    assert found == {
        "model": "coreml_int8",
        "device": "iPhone 15",
        "system": "iOS 18.1",
        "tokens": 32,
        "p50_ms": pytest.approx(np.percentile(RUNS, 50)),
        "p95_ms": pytest.approx(np.percentile(RUNS, 95)),
        "memory_mb": 41.5,
        "cold_start_ms": 88.0,
        "runs": 50,
        "source": "potstill",
    }


def test_the_own_form_with_percentiles(tmp_path):
    body = own(latencies_ms=None, p50_ms=5, p95_ms=6, runs=100)
    (found,) = read_devices(write(tmp_path, body))
    assert (found["p50_ms"], found["p95_ms"], found["runs"]) == (5.0, 6.0, 100)


def test_a_microbenchmark(tmp_path):
    nanoseconds = [1e6 * each for each in RUNS]
    body = android(
        benchmark("onnxInt8_32tokens", timeNs=nanoseconds, allocationCount=[3.0]),
        benchmark(
            "latency[model=onnx_int8_qdq,tokens=64]", {"model": "onnx_int8_qdq", "tokens": "64"}, timeNs=nanoseconds
        ),
        benchmark("coldStartOnnxInt8_32tokens", timeNs=[9e7, 8e7, 1e8]),
    )
    first, second = read_devices(write(tmp_path, body, "com.example-benchmarkData.json"))
    assert (first["model"], first["device"], first["system"]) == ("onnx_int8", "Pixel 8", "Android, API level 34")
    assert first["p95_ms"] == pytest.approx(np.percentile(RUNS, 95))
    assert (first["cold_start_ms"], first["runs"], first["source"]) == (pytest.approx(90.0), 50, "android")
    assert (second["model"], second["tokens"]) == ("onnx_int8_qdq", 64)


def test_a_macrobenchmark(tmp_path):
    body = android(
        benchmark(
            "onnxInt8",
            predictFirstMs=RUNS,
            coldStartFirstMs=[90.0],
            memoryRssAnonMaxKb=[40_000.0, 50_000.0],
            memoryRssFileMaxKb=[10_000.0, 0.0],
            frameCount=[3.0],
        )
    )
    (found,) = read_devices(write(tmp_path, body))
    assert found["p50_ms"] == pytest.approx(np.percentile(RUNS, 50))
    assert found["cold_start_ms"] == 90.0
    assert found["memory_mb"] == pytest.approx(51.2)  # 50,000 KiB, both read in the same run


def test_performance_tests_of_xcode(tmp_path):
    body = [
        xcode(
            "testCoremlInt8_32tokens",
            measured(CLOCK, "s", [each / 1000 for each in RUNS]),
            measured(PEAK, "kB", [41_000.0, 42_000.0]),
            measured({"identifier": "com.apple.dt.XCTMetric_CPU.cycles", "displayName": "CPU Cycles"}, "kC", [1.0]),
        ),
        xcode("testColdStartCoremlInt8_32tokens", measured(CLOCK, "s", [0.2, 0.09, 0.08])),
    ]
    (found,) = read_devices(write(tmp_path, body))
    assert (found["model"], found["device"], found["tokens"], found["source"]) == (
        "coreml_int8",
        "iPhone 15",
        32,
        "xcode",
    )
    assert found["p95_ms"] == pytest.approx(np.percentile(RUNS, 95))
    assert found["memory_mb"] == pytest.approx(42.0)
    assert found["cold_start_ms"] == pytest.approx(90.0)


def test_newer_xcode_tells_model_and_system(tmp_path):
    device = {"deviceName": "Lab 3", "modelName": "iPhone 16", "platform": "iOS", "osVersion": "26.1"}
    clock = measured({"displayName": "Clock Monotonic Time"}, "ms", RUNS)
    (found,) = read_devices(write(tmp_path, [xcode("testCoremlFp16", clock, device=device)]))
    assert (found["device"], found["system"], found["tokens"]) == ("iPhone 16", "iOS 26.1", None)


def test_a_folder_is_read_with_what_lies_below(tmp_path):
    (tmp_path / "connected" / "Pixel").mkdir(parents=True)
    write(tmp_path / "connected" / "Pixel", android(benchmark("onnxInt8", timeNs=[1e6 * each for each in RUNS])))
    write(tmp_path, own(), "a.json")
    (tmp_path / "notes.txt").write_text("not read")
    assert [each["source"] for each in read_devices(tmp_path)] == ["potstill", "android"]


@pytest.mark.parametrize(
    ("test", "model"),
    [
        ("testCoremlInt8()", "coreml_int8"),
        ("test_coreml_palette8_int8_latency", "coreml_palette8_int8"),
        ("LatencyBenchmark/onnx-int8-qdq", "onnx_int8_qdq"),
        ("coremlSparseInt8", "coreml_sparse_int8"),
        ("ONNX fp32", "onnx_fp32"),
    ],
)
def test_a_test_is_of_the_longest_model_that_it_names(test, model):
    assert model_of(test) == model


def test_the_length_is_read_from_the_name():
    assert [tokens_of(each) for each in ("x_32tokens", "x128_tokens()", "tokens", "x_0tokens")] == [32, 128, None, None]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (own(latencies_ms=[]), "0 runs are too few"),
        (own(latencies_ms=RUNS[:19]), r"19 runs are too few .* measure 20 at least"),
        (own(latencies_ms=[*RUNS, -1.0]), r"latencies_ms\[50\]: must be greater than 0, got -1"),
        (own(latencies_ms=[*RUNS, "5"]), r"must be a valid number, got '5'"),
        (own(latencies_ms=None), "nothing was measured"),
        (own(latencies_ms=None, p50_ms=5), "belong together"),
        (own(p50_ms=5, p95_ms=6, runs=50), "not both"),
        (own(latencies_ms=None, p50_ms=7, p95_ms=6, runs=50), "p95_ms 6 is below p50_ms 7"),
        (own(latencies_ms=None, p50_ms=5, p95_ms=6, runs=3), "3 runs are too few"),
        (own(model="coreml_int9"), "there is no model 'coreml_int9'; known: .*coreml_int8"),
        (own(device=""), "device: String should have at least 1 character"),
        (own(memory=3), "memory: Extra inputs are not permitted"),
        ({"schema": "potstill/devices/v2", "measurements": []}, "schema: must be 'potstill/devices/v1'"),
        ({"schema": "potstill/devices/v1", "measurements": []}, "measurements: List should have at least 1 item"),
        (json.dumps(own(memory_mb=1.0)).replace("1.0}", "NaN}"), "is not JSON: NaN is no measurement"),
        (json.dumps(own(memory_mb=1.0)).replace("1.0}", "1e999}"), "memory_mb"),
        (android(), "no benchmarks in it"),
        (
            android(benchmark("startup", timeNs=[1e6] * 50)),
            r"'startup' names no exported model; put one of .*onnx_int8",
        ),
        (android(benchmark("EMULATOR_onnxInt8", timeNs=[1e6] * 50)), "measured with EMULATOR"),
        (android(benchmark("DEBUGGABLE_EMULATOR_UNLOCKED_onnxInt8", timeNs=[1e6] * 50)), "EMULATOR, DEBUGGABLE"),
        (android(benchmark("onnxInt8", frameCount=[1.0])), "has none of timeNs.*; it has frameCount"),
        (android(benchmark("onnxInt8", timeNs=[1e6] * 5)), "5 runs are too few"),
        (android(benchmark("onnxInt8", timeNs=[1e6] * 49 + [0.0])), "0.0 is no plausible measurement"),
        (android(benchmark("onnxInt8", timeNs=[1e6] * 49 + [True])), "True is no plausible measurement"),
        (android(benchmark("onnxInt8", timeNs=[1e6] * 49 + [10**400])), "is no plausible measurement"),
        ({"context": {}, "benchmarks": [benchmark("onnxInt8", timeNs=RUNS)]}, "context.build.model is missing"),
        ({"context": {"build": BUILD}, "benchmarks": [1]}, "a benchmark without a name"),
        ({"context": {"build": BUILD}, "benchmarks": [{"name": "onnxInt8", "metrics": {"timeNs": 3}}]}, "no runs"),
        ([xcode("testCoremlInt8", measured(CLOCK, "kC", RUNS))], "unit 'kC' is not one of s, ms"),
        ([xcode("testCoremlInt8", measured(CLOCK, "s", []))], "no runs"),
        ([xcode("testCoremlInt8", measured(CLOCK, "s", [-0.001] * 50))], "-0.001 is no plausible measurement"),
        ([xcode("testCoremlInt8", measured(CLOCK, "s", [1e9] * 50))], "is no plausible measurement"),
        ([xcode("testCoremlInt8")], "measures neither time nor memory"),
        ([xcode("testLaunch", measured(CLOCK, "s", RUNS))], "names no exported model"),
        (
            [xcode("testCoremlInt8", measured(CLOCK, "s", RUNS), device={"deviceName": "iPhone 15 Simulator"})],
            "simulator",
        ),
        ([{"testIdentifier": "A/testCoremlInt8()", "testRuns": []}], "has no testRuns"),
        ([{"testIdentifier": "A/testCoremlInt8()", "testRuns": [{}]}], "a run without a device"),
        ([xcode("testCoremlInt8"), 3], "neither time nor memory|without a testIdentifier"),
        ([], "is no file of device measurements; wanted"),
        ({}, "is no file of device measurements"),
        ({"schema": 3}, "is no file of device measurements"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_what_cannot_be_a_measurement_is_refused_in_one_line(tmp_path, body, said):
    with pytest.raises(InputError, match=said) as refused:
        read_devices(write(tmp_path, body))
    assert "devices.json" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_same_figure_twice_is_refused(tmp_path):
    write(tmp_path, own(), "a.json")
    write(tmp_path, own(), "b.json")
    with pytest.raises(InputError, match="p50_ms, p95_ms, runs of coreml_int8 on iPhone 15 stand twice"):
        read_devices(tmp_path)


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds no \.json file"):
        read_devices(tmp_path)
    with pytest.raises(InputError, match=r"missing\.json cannot be read: No such file"):
        read_devices(tmp_path / "missing.json")


def test_a_model_that_is_not_judged_is_refused(tmp_path):
    devices = read_devices(write(tmp_path, own()))
    refuse_unknown(devices, ["teacher", "coreml_int8"])
    with pytest.raises(InputError, match="devices measured coreml_int8, which is not judged here; judged are: teacher"):
        refuse_unknown(devices, ["teacher"])
