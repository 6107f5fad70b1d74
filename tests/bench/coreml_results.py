"""What each package of bench_coreml answers on the whole test split, executed row by row, and what PyTorch answers."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from potstill.coreml import Program, load
from potstill.coreml.lengths import lengths_of
from potstill.data.batches import pad
from potstill.data.tokens import TokenTable
from potstill.encoder.checkpoint import load_classifier
from potstill.measure.chunks import predict_in_chunks
from potstill.measure.coreml_session import IDS, LOGITS, predict_coreml
from tests.bench.coreml_candidates import Candidate

CHUNK, BATCH = 64, 128
Logits = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Result:
    """What was found of a candidate.

    Attributes:
        candidate: which.
        answers: (rows,) the label of each row; −1 where a logit is no number.
        seconds: CPU time of the whole split: wall time on a shared machine measures its neighbours.
        compressed: weights that lie compressed in it, of how many.
    """

    candidate: Candidate
    answers: npt.NDArray[np.int64]
    seconds: float
    compressed: tuple[int, int]

    def accuracy(self, table: TokenTable) -> float:
        """Percent of the rows that get their label."""
        return 100 * float((self.answers == np.array(table.labels)).mean())

    def agreement(self, wanted: npt.NDArray[np.int64]) -> float:
        """Percent of the rows that get PyTorch's label."""
        return 100 * float((self.answers == wanted).mean())


def of_pytorch(model: Path, table: TokenTable, length: int) -> npt.NDArray[np.int64]:
    """The float checkpoint's labels, rows padded to a package's length: MobileBERT looks at the padding, too."""
    loaded, found = load_classifier(model), []
    for start in range(0, len(table), BATCH):
        batch = pad(table, np.arange(start, min(start + BATCH, len(table))), length)
        ids, mask = torch.from_numpy(batch.input_ids), torch.from_numpy(batch.attention_mask)
        with torch.inference_mode():
            found.append(loaded(input_ids=ids, attention_mask=mask).logits.argmax(-1).numpy())
    return np.concatenate(found)


def measure(candidate: Candidate, table: TokenTable, labels: list[str], threads: int) -> Result:
    """Execute a package on every row."""
    program = load(candidate.path)
    start = time.process_time()
    logits = predict_in_chunks(lambda part: _logits(program, part, labels), table, CHUNK, threads, candidate.title)
    seconds = time.process_time() - start
    numbers = np.isfinite(logits).all(-1)
    return Result(candidate, np.where(numbers, logits.argmax(-1), -1), seconds, candidate.compressed)


def _logits(program: Program, table: TokenTable, labels: list[str]) -> Logits:
    if LOGITS in program.outputs:
        return predict_coreml(program, table)
    return np.stack([_probabilities(program, table, row, labels) for row in range(len(table))])


def _probabilities(program: Program, table: TokenTable, row: int, labels: list[str]) -> Logits:
    """Of a package that gives nothing but a label's probability by name."""
    batch = pad(table, np.array([row]), lengths_of(program.inputs[IDS]).longest)
    found = program.predict({"input_ids": batch.input_ids, "attention_mask": batch.attention_mask})
    by_name = next(each for each in found.values() if isinstance(each, dict))
    return np.array([by_name[label] for label in labels], np.float32)
