"""CPU time of one row in the Core ML interpreter against PyTorch eager: python tests/bench/bench_mlprogram.py

Random BERTs of 4 layers × 312 and 2 × 512 with a vocabulary of 5,000 (weights do not change the time), one thread,
batch 1, 32 and 128 tokens. Process CPU time, since wall time on a shared machine measures its neighbours; the
candidates take turns within a round, so that a slow minute slows all of them; medians over the rounds. The goal is at
most 1.5 times PyTorch.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "components")]

from potstill.artifacts import expect  # noqa: E402
from potstill.coreml import load_program  # noqa: E402
from potstill.coreml_export import CoremlExportConfig, export_coreml  # noqa: E402
from potstill.encoder.checkpoint import load_classifier  # noqa: E402
from tests.bench.onnx_tokenizer import SHAPE, make_tokenizer  # noqa: E402
from tests.conftest import make_checkpoint, make_tokens  # noqa: E402

ROUNDS, WARM_UP = 60, 5
SHAPES = {
    "4 × 312": {"layers": 4, "hidden": 312, "num_attention_heads": 12, "intermediate_size": 1200},
    "2 × 512": SHAPE,
}
LENGTHS = (32, 128)


def main() -> None:
    """Export each model, time both packages and PyTorch, and print the ratios."""
    torch.set_num_threads(1)
    print("| model | tokens | computed by | CPU time of a row | times PyTorch eager |\n|---|---|---|---|---|")
    for shape, length in product(SHAPES, LENGTHS):
        with tempfile.TemporaryDirectory() as work:
            medians = measure(candidates(Path(work), SHAPES[shape], length))
        for name, each in medians.items():
            print(f"| {shape} | {length} | {name} | {each * 1e3:.2f} ms | {each / medians['pytorch']:.2f} |")


def candidates(work: Path, shape: dict[str, int], length: int) -> dict[str, Callable[[], object]]:
    """Return what computes one row, by name."""
    tokenizer = make_tokenizer(work / "tokenizer")
    tokens = make_tokens(work / "tokens", tokenizer, rows=8).path
    model = make_checkpoint(work / "checkpoint", tokenizer, **shape, max_position_embeddings=max(LENGTHS)).path
    # Random weights of this size say nothing about parity, which is not what is measured here.
    config = CoremlExportConfig(length=str(length), tolerance=99, minimum_agreement=0, parity_rows=1)
    export_coreml(model, tokens, work / "package", config)
    row = {name: np.ones((1, length), np.int64) for name in ("input_ids", "attention_mask", "token_type_ids")}
    files = expect(work / "package", "coreml/v1").meaning["formats"]
    programs = {name: load_program(work / "package" / file) for name, file in files.items()}
    eager = load_classifier(model, attention="eager")
    found: dict[str, Callable[[], object]] = {"pytorch": lambda: run_eager(eager, row)}
    return found | {name: lambda program=program: program.predict(row) for name, program in programs.items()}


def run_eager(model: torch.nn.Module, row: dict[str, np.ndarray]) -> np.ndarray:
    """Compute one row's logits as a plain call of the model does."""
    with torch.inference_mode():
        return model(**{name: torch.from_numpy(array) for name, array in row.items()}).logits.numpy()


def measure(work: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median CPU seconds of each candidate."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(WARM_UP + ROUNDS):
        for name, compute in work.items():
            start = time.process_time()
            compute()
            seconds[name].append(time.process_time() - start)
    return {name: statistics.median(each[WARM_UP:]) for name, each in seconds.items()}


if __name__ == "__main__":
    main()
