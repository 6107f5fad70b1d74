"""What a model costs a process that has nothing else: memory, and the time until its first answer.

The process is this Python, started anew with `-m potstill.measure.footprint`; it reads one task from its standard input
and prints one answer. Linux counts a process's peak from its own start only in /proc: getrusage's begins with its
parent's, whose models were there before.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from potstill.errors import InputError

STATUS = Path("/proc/self/status")
MEGABYTE = 1_000_000
ANSWERS = 10  # after the first: what is allocated for good is there after a few

Call = Callable[[], object]


@dataclass(frozen=True)
class Footprint:
    """One model in a process of its own; None where the system has no /proc to tell memory.

    Attributes:
        runtime_mb: resident megabytes (10^6 bytes) with every library loaded and no model.
        peak_mb: the process's peak, the model loaded and answering.
        added_mb: what the model added to the runtime: peak_mb - runtime_mb.
        open_ms: milliseconds of opening the model's file, which the system has read before.
        first_ms: milliseconds of the first answer.
        cold_start_ms: both together: what a user waits for after the app has started.
    """

    runtime_mb: float | None
    peak_mb: float | None
    added_mb: float | None
    open_ms: float
    first_ms: float
    cold_start_ms: float


def measure_footprint(runtime: str, path: Path, ids: list[int]) -> Footprint:
    """Open a model in a fresh process of one thread, and let it answer one row.

    Args:
        runtime: a key of RUNTIMES.
        path: what the runtime opens: a checkpoint's folder, an ONNX file.
        ids: token ids of the row.

    Raises:
        InputError: the process came to no answer.
    """
    task = json.dumps({"runtime": runtime, "path": str(path.resolve()), "ids": ids})
    done = subprocess.run(
        [sys.executable, "-m", "potstill.measure.footprint"],
        input=task,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
    )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"])[-1]
        raise InputError(f"{path} gave no answer in a process of its own: {why}")
    return Footprint(**json.loads(done.stdout.splitlines()[-1]))


def open_torch(path: Path) -> Callable[[list[int]], Call]:
    """Load what a checkpoint needs; gives what opens it and prepares the call for a row."""
    import torch  # noqa: PLC0415 - loaded by this process alone

    from potstill.encoder.checkpoint import load_classifier  # noqa: PLC0415 - likewise

    torch.set_num_threads(1)

    def opened(ids: list[int]) -> Call:
        model = load_classifier(path)
        row, mask = torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.long)

        def call() -> object:
            with torch.inference_mode():
                return model(input_ids=row, attention_mask=mask)

        return call

    return opened


def open_onnx(path: Path) -> Callable[[list[int]], Call]:
    """Load what an ONNX file needs; likewise."""
    import numpy as np  # noqa: PLC0415 - loaded by this process alone

    from potstill.data.batches import Batch  # noqa: PLC0415 - likewise
    from potstill.measure.onnx_session import feed_for, open_session  # noqa: PLC0415 - likewise

    def opened(ids: list[int]) -> Call:
        session, row = open_session(path), np.array([ids])
        feeds = feed_for(session, Batch(np.array([0]), row, np.ones_like(row), np.array([0])))
        return lambda: session.run(["logits"], feeds)

    return opened


RUNTIMES = {"torch": open_torch, "onnx": open_onnx}


def main() -> None:
    """Do the task of the standard input: load the runtime, open the model, answer."""
    task = json.load(sys.stdin)
    opened = RUNTIMES[task["runtime"]](Path(task["path"]))
    before, started = resident("VmRSS"), time.perf_counter()
    call = opened(task["ids"])
    ready = time.perf_counter()
    call()
    answered = time.perf_counter()
    for _ in range(ANSWERS):
        call()
    peak = resident("VmHWM")
    times = [1000 * (ready - started), 1000 * (answered - ready), 1000 * (answered - started)]
    added = None if before is None or peak is None else max(peak - before, 0.0)
    print(json.dumps(asdict(Footprint(before, peak, added, *times))))  # noqa: T201 - its answer


def resident(field: str) -> float | None:
    """Return a field of this process's memory in megabytes; None where there is no /proc."""
    if not STATUS.is_file():
        return None
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(lines[field].split()[0]) * 1024 / MEGABYTE


if __name__ == "__main__":
    main()
