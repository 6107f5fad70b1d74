"""CPU time of one row in each ONNX format: python tests/bench/bench_onnx.py

A random BERT of 2 layers × 512 with a vocabulary of 5,000 (weights do not change the time), one thread, batch 1.
Process CPU time, since wall time on a shared machine measures its neighbours; the formats take turns within a round,
so that a slow minute slows all of them; medians over the rounds.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "components")]

from potstill.artifacts import expect  # noqa: E402
from potstill.data.batches import pad  # noqa: E402
from potstill.data.tokens import from_rows  # noqa: E402
from potstill.measure.onnx_session import feed, open_session  # noqa: E402
from potstill.onnx_export import OnnxExportConfig, export_onnx  # noqa: E402
from tests.conftest import make_checkpoint, make_quantized, make_tokens  # noqa: E402

VOCABULARY, ROUNDS, WARM_UP = 5_000, 60, 5
SHAPE = {"layers": 2, "hidden": 512, "num_attention_heads": 8, "intermediate_size": 2048}


def main() -> None:
    """Export a model, time its files and print the table."""
    with tempfile.TemporaryDirectory() as work:
        folder = export(Path(work))
        files = expect(folder, "onnx/v1").meaning["formats"]
        for tokens in (16, 32, 128):
            print_table(tokens, {name: folder / file for name, file in files.items()})


def make_tokenizer(folder: Path) -> Path:
    """Write a BERT tokenizer of VOCABULARY entries."""
    from transformers import BertTokenizerFast

    folder.mkdir()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = special + [chr(0x4E00 + index) for index in range(VOCABULARY - len(special))]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    BertTokenizerFast.from_pretrained(folder).save_pretrained(folder)
    return folder


def export(work: Path) -> Path:
    """Make a quantised random model and all its ONNX files."""
    tokenizer = make_tokenizer(work / "tokenizer")
    tokens = make_tokens(work / "tokens", tokenizer, rows=8).path
    model = make_checkpoint(work / "float", tokenizer, **SHAPE, max_position_embeddings=128).path
    scaled = make_quantized(work / "scaled", model, tokens).path
    # Random weights of this size say nothing about parity, which is not what is measured here.
    export_onnx(scaled, tokens, work / "onnx", OnnxExportConfig(minimum_agreement_int8=0.0, tolerance_fp32=1.0))
    return work / "onnx"


def print_table(tokens: int, files: dict[str, Path]) -> None:
    """Print the medians of one length, and how many times faster than fp32 each format is."""
    medians = cpu_milliseconds(tokens, files)
    print(f"\n{tokens} tokens   CPU ms   × fp32      MB")
    for name, median in medians.items():
        size = files[name].stat().st_size / 1e6
        print(f"{name:<10} {median:8.2f} {medians['fp32'] / median:8.2f} {size:7.1f}")


def cpu_milliseconds(tokens: int, files: dict[str, Path]) -> dict[str, float]:
    """Median CPU time of one run, in milliseconds, by format."""
    row = np.random.default_rng(0).integers(5, VOCABULARY, tokens).astype(np.int32)
    batch = pad(from_rows([row], np.zeros(1)), np.zeros(1, np.int64))
    sessions = {name: open_session(path) for name, path in files.items()}
    inputs = {name: feed({each.name for each in session.get_inputs()}, batch) for name, session in sessions.items()}
    times: dict[str, list[float]] = {name: [] for name in files}
    for turn in range(WARM_UP + ROUNDS):
        for name, session in sessions.items():
            started = time.process_time()
            session.run(["logits"], inputs[name])
            if turn >= WARM_UP:
                times[name].append((time.process_time() - started) * 1000)
    return {name: statistics.median(each) for name, each in times.items()}


if __name__ == "__main__":
    main()
