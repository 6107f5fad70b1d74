"""The Markdown table and the goals of bench_coreml."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from potstill.data.tokens import TokenTable
from potstill.measure.intervals import paired_bootstrap
from tests.bench.coreml_results import Result
from tests.bench.quantization_tables import told

AGREEMENT = {"fp16": 99.5, "int8": 98.5}  # percent of the rows with PyTorch's label
MEGABYTES = {"int8": 7.5, "palette4": 4.5}  # of 4 × 312 with a pruned vocabulary
MOST_SECONDS, ROWS = 180, 10_000


def print_table(results: Sequence[Result], table: TokenTable, wanted: npt.NDArray[np.int64]) -> None:
    """Print one row for each package, PyTorch's float checkpoint first."""
    right = wanted == np.array(table.labels)
    print(f"\n{len(table):,} test rows, each executed from the package.\n")
    print("| | MB | weights compressed | accuracy % | points lost (95 %) | PyTorch's label % | s |")
    print("|---|---:|---:|---:|---|---:|---:|")
    print(f"| PyTorch, float32 | — | — | {100 * right.mean():.2f} | — | — | — |")
    for each in results:
        held, there = each.compressed
        low, high = paired_bootstrap(right, each.answers == np.array(table.labels))
        points = each.accuracy(table)
        lost = f"{100 * right.mean() - points:.2f} ({100 * low:.2f} … {100 * high:.2f})"
        print(f"| {each.candidate.title} | {each.candidate.megabytes:.2f} | {held} of {there} | {points:.2f}", end="")
        print(f" | {lost} | {each.agreement(wanted):.2f} | {each.seconds:.0f} |")


def print_goals(results: Sequence[Result], wanted: npt.NDArray[np.int64], small: bool) -> None:
    """Tell which goals the packages of coreml-export meet; small: whether the checkpoint is the 4 × 312 preset."""
    print()
    own = [each for each in results if each.candidate.name]
    for each in own:
        name, found, size = each.candidate.name, each.agreement(wanted), each.candidate.megabytes
        if name in AGREEMENT:
            least = AGREEMENT[name]
            print(f"Goal, {name}: PyTorch's label on {least} % of the rows: {found:.2f}, {told(found >= least)}.")
        if small and name in MEGABYTES:
            print(f"Goal, {name}: at most {MEGABYTES[name]} MB: {size:.2f}, {told(size <= MEGABYTES[name])}.")
    slowest = max(each.seconds for each in own) * ROWS / len(wanted)
    print(
        f"Goal: {ROWS:,} rows in {MOST_SECONDS} s: the slowest takes {slowest:.0f} s, {told(slowest <= MOST_SECONDS)}."
    )
