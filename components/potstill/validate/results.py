"""Judging one candidate: its probabilities on every test row, its size, and the time of one row."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from potstill.artifacts import Artifact
from potstill.data.tokens import NO_LABEL, TRAIN, TokenTable, has_split, read_split, read_texts
from potstill.measure.latency import Latency, measure_latency
from potstill.measure.quality import softmax
from potstill.measure.size import size_on_disk
from potstill.measure.tfidf import train_tfidf
from potstill.validate.candidates import Candidate, Runner
from potstill.validate.config import ValidateConfig
from potstill.validate.inputs import TestRows, spread


@dataclass(frozen=True)
class Result:
    """What one candidate or rival gave.

    Attributes:
        name: a key of TITLES.
        probabilities: (rows, labels) float64, each row summing to 1.
        parameters: number of parameters; 0 where only the source knows.
        source: the PyTorch candidate that it should compute the same as; empty where it has none.
        bytes: size on disk, or None where nothing is saved.
        latency: time of one row on one thread, or None where it was not timed.
    """

    name: str
    probabilities: npt.NDArray[np.float64]
    parameters: int
    source: str = ""
    bytes: int | None = None
    latency: Latency | None = None

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """(rows,) the most probable label of each row."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)


def evaluate(candidate: Candidate, table: TokenTable, config: ValidateConfig) -> Result:
    """Open a candidate, run it over all rows, and time it."""
    runner = candidate.open()
    probabilities = softmax(runner.predict(table))
    size, latency = size_on_disk(candidate.file), time_one_row(runner, table, config)
    return Result(candidate.name, probabilities, runner.parameters, candidate.source, size, latency)


def time_one_row(runner: Runner, table: TokenTable, config: ValidateConfig) -> Latency | None:
    """Time rows one by one; None where the time taken here would tell nothing."""
    if runner.prepare is None:
        return None
    calls = [runner.prepare(table, int(row)) for row in spread(len(table), config.latency_rows)]
    return measure_latency(calls, config.latency_warmup)


def evaluate_tfidf(tokens: Artifact, rows: TestRows) -> Result | None:
    """Train and judge the TF-IDF rival; None where the train split has fewer than two classes to learn."""
    if not has_split(tokens.path, TRAIN):
        return None
    truth, texts = read_split(tokens.path, TRAIN).labels, read_texts(tokens.path, TRAIN)
    labelled = np.flatnonzero(truth != NO_LABEL)
    if len(np.unique(truth[labelled])) < 2:
        return None
    rival = train_tfidf([texts[row] for row in labelled], truth[labelled], len(tokens.meaning["labels"]))
    return Result("tfidf", rival.predict(rows.texts), rival.parameters)
