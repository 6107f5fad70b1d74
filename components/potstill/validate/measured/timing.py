"""How long a model takes on one thread: test rows one by one, and rows of several lengths alone and in batches."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from potstill.data.tokens import NO_LABEL, TokenTable, from_rows
from potstill.measure.latency import Latency, measure_latency, milliseconds, percentiles
from potstill.validate.candidates import Runner
from potstill.validate.config import ValidateConfig
from potstill.validate.inputs import spread

BATCH = 8  # rows side by side where throughput counts; one thread gains little beyond
FEWEST, MOST = 3, 30  # calls of one row at one length …
ENOUGH_MS = 1000  # … as many as this takes
SHORTEST = 3  # tokens of a row: [CLS], a token, [SEP]


@dataclass(frozen=True)
class AtLength:
    """A model on rows of one length.

    Attributes:
        tokens: of each row, special tokens included.
        calls: how many calls of one row were timed, after an uncounted one.
        p50_ms: of a row alone; likewise p95_ms, p99_ms.
        batch: rows of a call that throughput was measured with.
        rows_per_second: throughput in such batches.
    """

    tokens: int
    calls: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    batch: int
    rows_per_second: float


@dataclass(frozen=True)
class Timing:
    """A model's time on one thread: over test rows, each of them in `samples` (ms), and by length."""

    latency: Latency
    samples: tuple[float, ...]
    lengths: tuple[AtLength, ...]


def time_model(runner: Runner, table: TokenTable, config: ValidateConfig) -> Timing | None:
    """Time a model; None where the time taken here would tell nothing.

    Args:
        runner: open.
        table: the test rows as the model reads them.
        config: how many rows, uncounted calls and lengths.
    """
    timed = time_rows(runner, table, config)
    if timed is None:
        return None
    lengths = [runner.tokens] if runner.tokens else config.lengths(int(table.lengths.max()))
    return Timing(*timed, tuple(_at_length(runner, rows_of(table, tokens), tokens) for tokens in lengths))


def time_rows(runner: Runner, table: TokenTable, config: ValidateConfig) -> tuple[Latency, tuple[float, ...]] | None:
    """Time test rows one by one, each at its own length; None where the time taken here would tell nothing."""
    if runner.prepare is None:
        return None
    calls = [runner.prepare(table, np.array([row])) for row in spread(len(table), config.latency_rows)]
    return measure_latency(calls, config.latency_warmup)


def rows_of(table: TokenTable, tokens: int) -> TokenTable:
    """BATCH rows of one length, made of the words of a table: its tokens end to end, cut anew, round and round.

    Args:
        table: rows with a special token at either end.
        tokens: of each row, at least SHORTEST.
    """
    first, last = table.row(0)[:1], table.row(0)[-1:]
    inner = np.delete(table.ids, np.concatenate([table.offsets[:-1], table.offsets[1:] - 1]))
    words = np.resize(inner if len(inner) else first, BATCH * (tokens - 2)).reshape(BATCH, -1)
    return from_rows([np.concatenate([first, each, last]) for each in words], np.full(BATCH, NO_LABEL))


def _at_length(runner: Runner, table: TokenTable, tokens: int) -> AtLength:
    assert runner.prepare is not None
    alone = [runner.prepare(table, np.array([row])) for row in range(len(table))]
    times, batch = _repeated(alone), runner.batch or BATCH
    together = _repeated([runner.prepare(table, np.arange(batch) % len(table))])
    latency = percentiles(times)
    rate = 1000 * batch / float(np.median(together))
    return AtLength(tokens, len(times), latency.p50_ms, latency.p95_ms, latency.p99_ms, batch, rate)


def _repeated(calls: Sequence[Callable[[], object]]) -> list[float]:
    """Time calls round and round, after an uncounted one, until there are enough of them."""
    calls[0]()
    times: list[float] = []
    started = time.perf_counter()
    while len(times) < FEWEST or (len(times) < MOST and 1000 * (time.perf_counter() - started) < ENOUGH_MS):
        times.append(milliseconds(calls[len(times) % len(calls)]))
    return times
