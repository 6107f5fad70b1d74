"""Measuring the candidates of bench_onnx: accuracy row by row, time in turns, memory in processes of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from potstill.data.batches import pad
from potstill.data.tokens import TokenTable
from potstill.measure.intervals import paired_bootstrap
from potstill.progress import tell
from potstill.training.scoring import right
from tests.bench.onnx_candidates import FP32, Candidate
from tests.bench.onnx_latency import in_turns
from tests.bench.onnx_memory import peak_megabytes
from tests.bench.onnx_runners import COMPILED, opened, row_of
from tests.bench.pruning_latency import Latency

LENGTHS = (16, 32, 64, 128)  # tokens of the one row
BATCH_ROWS, BATCH_TOKENS = 32, 32
Right = npt.NDArray[np.bool_]  # (rows of the test split,) where a candidate is right
Times = dict[str, dict[str, Latency]]  # by shape, by candidate


@dataclass(frozen=True)
class Results:
    """What was measured, by the candidates' names.

    Attributes:
        right: where each is right; the compiled model is not asked, since it computes what the eager one does.
        times: by shape (shape_name), of CPU time.
        memory: peak, 10^6 bytes.
    """

    right: dict[str, Right]
    times: Times
    memory: dict[str, float]

    def points(self, name: str) -> float:
        """Accuracy in percent."""
        return 100 * float(self.right[name].mean())

    def lost(self, name: str, other: str = FP32) -> tuple[float, float, float]:
        """Return the points lost against another candidate, and their 95 % interval."""
        low, high = paired_bootstrap(self.right[other], self.right[name])
        return self.points(other) - self.points(name), 100 * low, 100 * high


def measure(candidates: Sequence[Candidate], test: TokenTable, turns: int, batch_turns: int) -> Results:
    """Measure everything.

    Args:
        candidates: one of them is FP32.
        test: the test split.
        turns: that each row is timed for.
        batch_turns: that the batch is timed for.
    """
    right_by_name = {each.name: answers(each, test) for each in candidates if each.way != COMPILED}
    memory = {each.name: peak_megabytes(each.way, each.path) for each in candidates}
    # Each shape's models are opened for it alone, so that no more of them stand in memory than take turns.
    times = {shape_name(1, tokens): timed(candidates, 1, tokens, turns) for tokens in LENGTHS}
    times[shape_name(BATCH_ROWS, BATCH_TOKENS)] = timed(candidates, BATCH_ROWS, BATCH_TOKENS, batch_turns)
    return Results(right_by_name, times, memory)


def answers(candidate: Candidate, test: TokenTable) -> Right:
    """Return where a candidate is right, row by row as on a phone: of a batch, dynamic int8 has one scale."""
    prepare = opened(candidate.way, candidate.path)
    logits = [prepare(pad(test, np.array([row])))() for row in range(len(test))]
    found = right(np.concatenate(logits), test)
    tell(f"{candidate.title}: {100 * found.mean():.2f} %")
    return found


def timed(candidates: Sequence[Candidate], rows: int, tokens: int, turns: int) -> dict[str, Latency]:
    """Time one shape, all candidates in turns."""
    tell(f"timing {shape_name(rows, tokens)}")
    batch = row_of(tokens, rows)
    calls = {each.name: opened(each.way, each.longer)(batch) for each in candidates}
    return in_turns(calls, FP32, turns)


def time_files(files: dict[str, Path], tokens: int, first: str, turns: int) -> dict[str, Latency]:
    """Time some ONNX files, one row of so many tokens."""
    return in_turns({name: opened("onnxruntime", file)(row_of(tokens)) for name, file in files.items()}, first, turns)


def shape_name(rows: int, tokens: int) -> str:
    """Name a shape as rows × tokens."""
    return f"{rows} × {tokens}"
