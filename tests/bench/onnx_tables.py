"""The Markdown tables and the goals of bench_onnx."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.onnx_candidates import Candidate
from tests.bench.onnx_results import BATCH_ROWS, BATCH_TOKENS, LENGTHS, Results, shape_name
from tests.bench.pruning_latency import Latency
from tests.bench.quantization_tables import told

INT8, INT8_QDQ = "int8", "int8_qdq"
BATCH = shape_name(BATCH_ROWS, BATCH_TOKENS)
LONGEST = shape_name(1, LENGTHS[-1])
MOST_LOST, LEAST_FASTER = 0.3, 2.5  # points; times fp32, at the longest row
MOST_MEGABYTES, LEAST_FASTER_THAN_BASE = 7.5, 30


def print_table(candidates: Sequence[Candidate], results: Results) -> None:
    """Print one row for each candidate."""
    rows = len(next(iter(results.right.values())))
    print(f"\n{rows:,} test rows, row by row. CPU ms, one thread, and × faster than onnxruntime fp32, turn by turn.\n")
    lengths = " | ".join(f"{tokens} tokens" for tokens in LENGTHS)
    print(f"| | accuracy % | points lost (95 %) | MB | peak MB | {lengths} | batch {BATCH}, rows/s |")
    print(f"|---|---:|---|---:|---:|{'---:|' * len(LENGTHS)}---:|")
    for each in candidates:
        times = " | ".join(_time(results.times[shape_name(1, tokens)][each.name]) for tokens in LENGTHS)
        speed = f"{BATCH_ROWS * 1000 / results.times[BATCH][each.name].milliseconds:,.0f}"
        size = f"{each.megabytes:.2f} | {results.memory[each.name]:.0f}"
        print(f"| {each.title} | {_accuracy(each, results)} | {size} | {times} | {speed} |")


def _time(found: Latency) -> str:
    return f"{found.milliseconds:.2f} ({found.ratio:.2f} ×)"


def _accuracy(candidate: Candidate, results: Results) -> str:
    if candidate.name not in results.right:
        return "— | —"
    lost, low, high = results.lost(candidate.name)
    return f"{results.points(candidate.name):.2f} | {lost:.2f} ({low:.2f} … {high:.2f})"


def print_goals(results: Results) -> None:
    """Tell which goals the int8 files meet."""
    print()
    for name in (INT8, INT8_QDQ):
        if name in results.right:
            lost, ratio = results.lost(name)[0], results.times[LONGEST][name].ratio
            print(f"Goal, {name}: at most {MOST_LOST} point lost: {lost:.2f}, {told(lost <= MOST_LOST)}", end="; ")
            print(f"at least {LEAST_FASTER} × at {LONGEST}: {ratio:.2f}, {told(ratio >= LEAST_FASTER)}.")
    if INT8_QDQ in results.right and INT8 in results.right:
        _print_qdq_against_dynamic(results)


def _print_qdq_against_dynamic(results: Results) -> None:
    lost, low, high = results.lost(INT8_QDQ, INT8)
    print(f"Goal, QDQ at least as fast as dynamic; points lost against it {lost:.2f} ({low:.2f} … {high:.2f}):")
    for shape, found in results.times.items():
        faster = found[INT8_QDQ].ratio / found[INT8].ratio
        print(f"  {shape}: {faster:.2f} × as fast, {told(faster >= 1)}")


def print_small(files: Mapping[str, Path], times: Mapping[int, Mapping[str, Latency]], base: str, pieces: int) -> None:
    """Print sizes of the small preset, and its times against a 12-layer BERT.

    Args:
        files: of the small preset, by format.
        times: by tokens, of its files and of the 12-layer BERT.
        base: the name of the latter, with which the others were compared.
        pieces: of the small preset's vocabulary.
    """
    print(f"\nThe 4 × 312 preset with {pieces:,} pieces, random weights, against a 12-layer fp32 BERT of 768:\n")
    print(f"| | MB | {' | '.join(f'{tokens} tokens' for tokens in times)} |\n|---|---:|{'---:|' * len(times)}")
    for name in (base, *files):
        size = f"{files[name].stat().st_size / 1e6:.2f}" if name in files else ""
        print(f"| {name} | {size} | {' | '.join(_time(each[name]) for each in times.values())} |")
    print()
    for name in (INT8, INT8_QDQ):
        size = files[name].stat().st_size / 1e6
        print(f"Goal, {name}: at most {MOST_MEGABYTES} MB: {size:.2f}, {told(size <= MOST_MEGABYTES)}", end="")
        for tokens, each in times.items():
            met = told(each[name].ratio >= LEAST_FASTER_THAN_BASE)
            print(f"; at least {LEAST_FASTER_THAN_BASE} × at {tokens} tokens: {each[name].ratio:.1f}, {met}", end="")
        print(".")
