"""What each Core ML package of a checkpoint weighs and keeps: python tests/bench/bench_coreml.py [--model CHECKPOINT]

Sizes, and accuracy on the whole test split executed from each package by `potstill.coreml`, row by row: every format of
coreml-export, what coremltools alone makes of the same checkpoint with its defaults and, with --exporters, what Hugging
Face's exporters makes. Without --model it is what `make demo` made. No Mac takes part; times are the interpreter's,
in seconds of CPU.

exporters is in no lock: git clone https://github.com/huggingface/exporters FOLDER, then --exporters FOLDER. It runs
with the libraries of this environment.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "components")]

import numpy as np  # noqa: E402

from potstill.artifacts import CHECKPOINT, TOKENS, expect, is_sealed  # noqa: E402
from potstill.coreml_export.config import LAYOUTS, STANDARD  # noqa: E402
from potstill.data.tokens import TEST, read_split  # noqa: E402
from potstill.encoder.checkpoint import read_config  # noqa: E402
from potstill.measure.torch_session import torch_threads  # noqa: E402
from tests.bench.coreml_candidates import Candidate, of_coreml_export, of_coremltools, of_exporters  # noqa: E402
from tests.bench.coreml_results import measure, of_pytorch  # noqa: E402
from tests.bench.coreml_tables import print_goals, print_table  # noqa: E402

DEMO = ROOT / "runs" / "demo"
SMALL = (4, 312)  # layers, width
FORMATS = "fp16,int8,palette8,palette6,palette4,int4,sparse,w8a8"


def main() -> None:
    """Make, execute and print."""
    asked = arguments()
    test = read_split(asked.tokens, TEST)
    if asked.test_rows:
        test = test.take(np.arange(min(asked.test_rows, len(test))))
    length = int(expect(asked.tokens, TOKENS).meaning["max_length"])
    labels = expect(asked.model, CHECKPOINT).meaning["labels"]
    with torch_threads(1):
        results = [measure(each, test, labels, asked.threads) for each in candidates(asked, length)]
        wanted = of_pytorch(asked.model, test, length)
    print_table(results, test, wanted)
    print_goals(results, wanted, is_small(asked.model))


def is_small(model: Path) -> bool:
    """Tell whether a checkpoint has the shape of the small preset."""
    config = read_config(model)
    return (config.num_hidden_layers, config.hidden_size) == SMALL


def candidates(asked: argparse.Namespace, length: int) -> list[Candidate]:
    """Write every package anew."""
    found = of_coreml_export(asked.model, asked.tokens, asked.formats, asked.layout, asked.work / "potstill")
    if not asked.no_peers:
        found += of_coremltools(asked.model, length, asked.work / "coremltools")
    if asked.exporters:
        found += of_exporters(asked.model, asked.exporters, asked.work / "exporters")
    return found


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", type=Path, default=DEMO / "quantized", help="checkpoint/v1, float or of qat")
    parser.add_argument("--tokens", type=Path, default=DEMO / "tokens", help="tokens/v1 of its tokenizer")
    parser.add_argument("--formats", default=FORMATS, help="of coreml-export, separated by commas")
    parser.add_argument("--layout", default=STANDARD, choices=LAYOUTS)
    parser.add_argument("--work", type=Path, default=Path("runs/bench-coreml"), help="where everything is written anew")
    parser.add_argument("--exporters", type=Path, help="a checkout of huggingface/exporters")
    parser.add_argument("--no-peers", action="store_true", help="leave out what coremltools alone makes")
    parser.add_argument("--test-rows", type=int, default=0, help="of the test split, to save time; all by default")
    parser.add_argument("--threads", type=int, default=1, help="that rows are executed on")
    asked = parser.parse_args()
    for name in ("model", "tokens"):
        if not is_sealed(getattr(asked, name)):
            parser.error(f"{getattr(asked, name)} is no artifact: run `make demo` first, or pass --{name} FOLDER")
    return asked


if __name__ == "__main__":
    main()
