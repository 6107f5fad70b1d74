"""How long one row takes in each of some ONNX files, in turns: so a slow minute slows all of them."""

import statistics
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from potstill.data.batches import Batch
from potstill.measure.onnx_session import feed, open_session
from tests.bench.pruning_latency import TOKENS, TURNS, WARM_UP, turn


def latencies(files: Mapping[str, Path]) -> dict[str, float]:
    """Time files turn by turn in onnxruntime, one thread, one row of TOKENS tokens.

    Returns: by name, the median over the turns, in milliseconds of CPU time.
    """
    calls = {name: opened(file) for name, file in files.items()}
    turns = [{name: turn(call) for name, call in calls.items()} for _ in range(WARM_UP + TURNS)][WARM_UP:]
    return {name: statistics.median(each[name] for each in turns) for name in files}


def opened(file: Path) -> Callable[[], object]:
    """Return the call that answers one row."""
    session = open_session(file)
    ids = np.random.default_rng(0).integers(5, 1_000, (1, TOKENS))
    row = Batch(np.zeros(1, np.int64), ids, np.ones_like(ids), np.zeros(1, np.int64))
    return partial(session.run, ["logits"], feed({each.name for each in session.get_inputs()}, row))
