"""How long one row takes with each of some models, in turns: so a slow minute slows all of them."""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import onnx

from potstill.data.batches import Batch
from potstill.encoder.checkpoint import load_classifier
from potstill.measure.onnx_session import feed, open_session
from potstill.onnx_export.graphs.optimize import optimize
from potstill.onnx_export.graphs.trace import trace

OPSET, TOKENS, TURNS, CALLS = 17, 32, 60, 3
WARM_UP = 5  # turns


@dataclass(frozen=True)
class Latency:
    """Medians over the turns.

    Attributes:
        milliseconds: of CPU time of one row; one thread, so that is what a user waits on a machine at rest.
        ratio: to the first model's, taken within a turn.
    """

    milliseconds: float
    ratio: float


def latencies(folders: dict[str, Path]) -> dict[str, Latency]:
    """Time models turn by turn: fused fp32 in onnxruntime, one thread, one row of TOKENS tokens.

    In its turn a model answers once uncounted, for its weights to come into the cache, and then CALLS times.

    Args:
        folders: checkpoints by name; the first is what the others are compared with.
    """
    calls = {name: opened(folder) for name, folder in folders.items()}
    turns = [{name: turn(call) for name, call in calls.items()} for _ in range(WARM_UP + TURNS)][WARM_UP:]
    first = next(iter(folders))
    return {
        name: Latency(
            statistics.median(each[name] for each in turns),
            statistics.median(each[name] / each[first] for each in turns),
        )
        for name in folders
    }


def opened(folder: Path) -> Callable[[], object]:
    """Export a checkpoint, and return the call that answers one row."""
    graph, fused = optimize(trace(load_classifier(folder), OPSET))
    assert fused.get("Attention"), f"no attention was fused in {folder}"
    with tempfile.TemporaryDirectory() as work:
        onnx.save(graph, Path(work) / "model.onnx")
        session = open_session(Path(work) / "model.onnx")
    ids = np.random.default_rng(0).integers(5, 1_000, (1, TOKENS))
    row = Batch(np.zeros(1, np.int64), ids, np.ones_like(ids), np.zeros(1, np.int64))
    return partial(session.run, ["logits"], feed({each.name for each in session.get_inputs()}, row))


def turn(call: Callable[[], object]) -> float:
    """Return the median milliseconds of CPU time of a model's turn."""
    call()
    return statistics.median(milliseconds(call) for _ in range(CALLS))


def milliseconds(call: Callable[[], object]) -> float:
    """Return the milliseconds of CPU time of one call."""
    began = time.process_time()
    call()
    return (time.process_time() - began) * 1000
