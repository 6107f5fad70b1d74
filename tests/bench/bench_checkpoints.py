"""What checkpoints cost a training: python tests/bench/bench_checkpoints.py [file:///…|s3://…]

Random BERTs of three shapes, batches of 32 rows as long as headlines, 2 threads, bf16 where the processor has it. For
each: the size of a checkpoint; how long the loop stands still for it, against a peer that writes the same state in the
loop, as the Hugging Face Trainer does (weights by safetensors, optimiser by torch.save); the CPU time of the thread
that writes; and both as a share of the time between two checkpoints: the default interval, or what the limit on the
cost stretches it to. Medians of five.

Then the whole loop, in turn with and without: `checkpoint_seconds` of 0 saves as often as the loop's own limit on the
cost allows, which is the worst that can be asked for (the largest is left out: its checkpoints are minutes apart).
Ratios are taken within a round; medians, lowest and highest. Goal: 3 % at most.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "components")]

from potstill.data.tokens import TokenTable  # noqa: E402
from potstill.store.places import Place, open_place  # noqa: E402
from potstill.training.cross_entropy import CrossEntropy  # noqa: E402
from potstill.training.device import reproducible  # noqa: E402
from potstill.training.loop import fit  # noqa: E402
from potstill.training.options import TrainingOptions  # noqa: E402
from potstill.training.resume import Checkpoints, describe, kept_at  # noqa: E402
from potstill.training.resume.commits import Commits  # noqa: E402
from potstill.training.resume.saver import COST  # noqa: E402
from potstill.training.resume.snapshot import take, to_blobs  # noqa: E402
from potstill.training.state import TrainingState  # noqa: E402
from tests.bench.bench_training import drawn_rows  # noqa: E402

LABELS, ROUNDS, THREADS = 10, 5, 2
# name: hidden, layers, heads, words; then the steps of a round: a quarter of a minute
SHAPES = {
    "2 × 512, 5,000 words": ((512, 2, 8, 5_000), 150),
    "4 × 512, 21,128 words": ((512, 4, 8, 21_128), 60),
    "12 × 768, 21,128 words": ((768, 12, 12, 21_128), 0),
}
OPTIONS = TrainingOptions(threads=THREADS, checkpoint_seconds=1e-9)


def main() -> None:
    """Measure each shape, and print the table."""
    with tempfile.TemporaryDirectory() as temporary, reproducible(0, THREADS):
        uri = sys.argv[1] if len(sys.argv) > 1 else Path(temporary).as_uri()
        table, interval = drawn_rows(), TrainingOptions().checkpoint_seconds
        print(f"checkpoints at {uri}, default interval {interval:g} s")
        for name, (shape, steps) in SHAPES.items():
            model = make_model(*shape)
            tell_one(name, fit(model, table, CrossEntropy(), OPTIONS, None, steps=2), open_place(uri), interval)
            if steps:
                tell_loop(name, lambda model=model, steps=steps: ratio(model, table, steps, uri))


def make_model(hidden: int, layers: int, heads: int, words: int) -> torch.nn.Module:
    """Make a random classifier."""
    from transformers import BertConfig, BertForSequenceClassification

    shape = {"hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads}
    return BertForSequenceClassification(
        BertConfig(vocab_size=words, num_labels=LABELS, intermediate_size=4 * hidden, **shape)
    )


def tell_one(name: str, state: TrainingState, place: Place, interval: float) -> None:
    """Print what one checkpoint costs."""
    commits = Commits(place, "bench", "bench")
    blobs = dict(to_blobs(take(state, finished=False)))
    blocked = median(lambda: wall(lambda: take(state, finished=False)))
    thread = median(lambda: cpu(lambda: commits.write("1", to_blobs(take(state, finished=False))))) - blocked
    peer = median(lambda: wall(lambda: save_in_the_loop(state)))
    apart = max(interval, (blocked + thread) / COST)
    print(
        f"{name}: {sum(map(len, blobs.values())) / 1e6:.0f} MB; the loop stands still for {blocked:.3f} s, "
        f"the peer's for {peer:.3f} s ({peer / blocked:.1f}×); the thread computes {thread:.3f} s; together "
        f"{(blocked + thread) / apart:.2%} of the {apart:.0f} s between two",
        flush=True,
    )


def tell_loop(name: str, measure: Callable[[], tuple[float, float]]) -> None:
    """Print how much slower the loop is."""
    rounds = [measure() for _ in range(ROUNDS)]
    for kind, ratios in zip(("CPU", "wall"), zip(*rounds, strict=True), strict=True):
        print(f"{name}: saving as often as allowed costs {statistics.median(ratios) - 1:+.1%} of {kind} time", end=" ")
        print(f"({min(ratios) - 1:+.1%} to {max(ratios) - 1:+.1%})", flush=True)


def ratio(model: torch.nn.Module, table: TokenTable, steps: int, uri: str) -> tuple[float, float]:
    """Train without checkpoints and with; → with / without, of CPU and of wall time."""

    def train(checkpoints: Checkpoints | None) -> tuple[float, float]:
        began = time.process_time(), time.perf_counter()
        fit(model, table, CrossEntropy(), OPTIONS, None, steps=steps, checkpoints=checkpoints)
        return time.process_time() - began[0], time.perf_counter() - began[1]

    without = train(None)
    # A seed of its own is work of its own: nothing is taken up from the round before.
    work = describe("bench", replace(OPTIONS, seed=time.time_ns() % 2**32), {})
    with kept_at(uri, OPTIONS.checkpoint_seconds, work, Path("unused")) as checkpoints:
        kept = train(checkpoints)
    return kept[0] / without[0], kept[1] / without[1]


def save_in_the_loop(state: TrainingState) -> None:
    """Write the state as the Hugging Face Trainer does."""
    with tempfile.TemporaryDirectory() as folder:
        save_file({name: each.contiguous() for name, each in state.model.state_dict().items()}, f"{folder}/model")
        torch.save(state.optimizer.state_dict(), f"{folder}/optimizer")


def median(measure: Callable[[], float]) -> float:
    """Return the median of some measurements."""
    return statistics.median(measure() for _ in range(ROUNDS))


def wall(work: Callable[[], object]) -> float:
    """Seconds that some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds that this thread spends on some work."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


if __name__ == "__main__":
    main()
