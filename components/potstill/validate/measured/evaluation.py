"""Judging one model: its answers on every test row, on disturbed texts and on none; its size, time and memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from potstill.data.tokens import TokenTable
from potstill.errors import InputError
from potstill.measure.footprint import Footprint, measure_footprint
from potstill.measure.quality import softmax
from potstill.measure.size import size_on_disk
from potstill.validate.candidates import Candidate, Runner
from potstill.validate.config import ValidateConfig
from potstill.validate.inputs import TestRows
from potstill.validate.measured.disturbed import Answers, Sample
from potstill.validate.measured.timing import Timing, time_model
from potstill.validate.models.reading import Reader
from potstill.validate.models.rivals import Majority, Tfidf


@dataclass(frozen=True)
class Result:
    """What one candidate or rival gave.

    Attributes:
        name: a key of TITLES.
        probabilities: (rows, labels) float64, each row summing to 1.
        parameters: number of parameters; 0 where only the source knows.
        source: the PyTorch candidate that it should compute the same as; empty where it has none.
        bytes: size on disk, or None where nothing is saved.
        parts: those bytes by part of the model; None likewise.
        unknown_share: share of the test rows' tokens that its tokenizer does not know; None without a tokenizer.
        timing: on one thread, or None where it was not timed.
        footprint: of a process of its own, or None where it has none.
        disturbed: its answers to disturbed texts, or None where it was not asked.
    """

    name: str
    probabilities: npt.NDArray[np.float64]
    parameters: int
    source: str = ""
    bytes: int | None = None
    parts: Mapping[str, int] | None = None
    unknown_share: float | None = None
    timing: Timing | None = None
    footprint: Footprint | None = None
    disturbed: Answers | None = None

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """(rows,) the most probable label of each row."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)


def evaluate(
    candidate: Candidate, reader: Reader, rows: TestRows, sample: Sample | None, config: ValidateConfig
) -> Result:
    """Open a candidate once, run it over all rows, over the sample where there is one, and time it."""
    runner, table = candidate.open(), reader.read(rows)
    logits = runner.predict(table)
    if not np.isfinite(logits).all():
        wrong = int((~np.isfinite(logits).all(axis=1)).sum())
        raise InputError(
            f"{candidate.file} answers {wrong:,} of {len(logits):,} rows with what is no number (NaN or infinite); "
            "its weights are damaged, or its training diverged: make it again"
        )
    return Result(
        name=candidate.name,
        probabilities=softmax(logits),
        parameters=runner.parameters,
        source=candidate.source,
        bytes=size_on_disk(candidate.file),
        parts=candidate.parts(),
        unknown_share=reader.unknown_share(table),
        timing=time_model(runner, table, config),
        footprint=_footprint(candidate, table) if config.footprint else None,
        disturbed=sample.ask(lambda texts: _probabilities(runner, reader.cut(texts))) if sample else None,
    )


def evaluate_rival(rival: Majority | Tfidf, rows: TestRows, sample: Sample | None) -> Result:
    """Ask a rival; no file of it is kept, so it has no size, and it is not timed."""
    asked = sample.ask(rival.predict) if sample else None
    return Result(rival.name, rival.predict(rows.texts), rival.parameters, disturbed=asked)


def _probabilities(runner: Runner, table: TokenTable) -> npt.NDArray[np.float64]:
    """Ask once what stands there several times: many a disturbance is none once it has become ids."""
    places: dict[bytes, int] = {}
    which = [places.setdefault(table.row(row).tobytes(), len(places)) for row in range(len(table))]
    first = np.unique(which, return_index=True)[1]
    return np.asarray(softmax(runner.predict(table.take(first)))[which])


def _footprint(candidate: Candidate, table: TokenTable) -> Footprint | None:
    """Let a process of its own open it and answer the longest row."""
    if not candidate.runtime:
        return None
    path: Path = candidate.folder if candidate.runtime == "torch" else candidate.file
    return measure_footprint(candidate.runtime, path, table.row(int(table.lengths.argmax())).tolist())
