"""What each form of a checkpoint costs and keeps: python tests/bench/bench_onnx.py [--model CHECKPOINT --tokens TOKENS]

In one run, one thread: PyTorch eager and compiled, every file of onnx-export, and what a user would pick instead,
optimum-cli's export and dynamic quantisation and Olive's int8 workflow, all with their defaults and of the same
checkpoint. Without --model it is what `make demo` made.

Accuracy is that on the whole test split, row by row, with 95 % paired bootstrap intervals of what is lost against the
fp32 file. Time is the process's CPU time, since wall time on a shared machine measures its neighbours; all take turns,
so that a slow minute slows all of them. Rows longer than the checkpoint's positions are timed on a copy with longer
tables (onnx_longer). Peak memory is that of a fresh process which loads the model and answers one row of 32 tokens,
less what it holds without a model. Then, of random weights, the 4 × 312 preset with a pruned vocabulary: its size, and
its time against a 12-layer BERT. At the end, onnxruntime's own tool times some of the files again.

Olive is in no lock; without --olive its row is left out, and how to bring it in is said.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "components")]

import numpy as np  # noqa: E402

from potstill.artifacts import is_sealed  # noqa: E402
from potstill.data.tokens import TEST, read_split  # noqa: E402
from potstill.measure.torch_session import torch_threads  # noqa: E402
from tests.bench.onnx_candidates import FP32, Candidate, all_candidates  # noqa: E402
from tests.bench.onnx_public import command, milliseconds  # noqa: E402
from tests.bench.onnx_random import SMALL_PIECES, base_file, small_files  # noqa: E402
from tests.bench.onnx_results import Results, measure, time_files  # noqa: E402
from tests.bench.onnx_tables import INT8, INT8_QDQ, LONGEST, print_goals, print_small, print_table  # noqa: E402

DEMO = ROOT / "runs" / "demo"
BASE = "12-layer BERT, fp32"
TURNS, BATCH_TURNS, BASE_TURNS = 60, 15, 15
BASE_LENGTHS = (32, 128)  # tokens


def main() -> None:
    """Make, measure and print."""
    asked = arguments()
    test = read_split(asked.tokens, TEST)
    if asked.test_rows:
        test = test.take(np.arange(min(asked.test_rows, len(test))))
    with torch_threads(1):
        candidates = all_candidates(asked.model, asked.tokens, asked.work / "candidates", asked.olive)
        results = measure(candidates, test, asked.turns or TURNS, asked.turns or BATCH_TURNS)
    print_table(candidates, results)
    print_goals(results)
    if not asked.no_base:
        print_base(asked.work / "random", asked.turns or BASE_TURNS)
    print_public(candidates, results)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", type=Path, default=DEMO / "quantized", help="checkpoint/v1, float or of qat")
    parser.add_argument("--tokens", type=Path, default=DEMO / "tokens", help="tokens/v1 of its tokenizer")
    parser.add_argument("--work", type=Path, default=Path("runs/bench-onnx"), help="where everything is written anew")
    parser.add_argument("--olive", type=Path, help="the python of an environment with olive-ai and onnxruntime")
    parser.add_argument("--test-rows", type=int, default=0, help="of the test split, to save time; all by default")
    parser.add_argument("--turns", type=int, default=0, help="to time for, to save time")
    parser.add_argument("--no-base", action="store_true", help="leave out the preset and the 12-layer BERT")
    asked = parser.parse_args()
    for name in ("model", "tokens"):
        if not is_sealed(getattr(asked, name)):
            parser.error(f"{getattr(asked, name)} is no artifact: run `make demo` first, or pass --{name} FOLDER")
    return asked


def print_base(work: Path, turns: int) -> None:
    """Make the preset and the 12-layer BERT, unless they stand there, and print sizes and times."""
    small, base = small_files(work / "small"), base_file(work / "base")
    timed = {name: small[name] for name in (INT8, INT8_QDQ)}
    times = {tokens: time_files({BASE: base, **timed}, tokens, BASE, turns) for tokens in BASE_LENGTHS}
    print_small(timed, times, BASE, SMALL_PIECES)


def print_public(candidates: Sequence[Candidate], results: Results) -> None:
    """Let onnxruntime's own tool time the fp32 and the int8 files, and print its commands."""
    print(f"\nonnxruntime's own tool, ms of wall time on average at {LONGEST}; beside it the table's CPU ms:\n")
    for each in candidates:
        if each.name in (FP32, INT8, INT8_QDQ):
            found, ours = milliseconds(each.longer), results.times[LONGEST][each.name].milliseconds
            print(f"{each.title}: {found:.2f}, {ours:.2f}\n    {shlex.join(command(each.longer))}")


if __name__ == "__main__":
    main()
