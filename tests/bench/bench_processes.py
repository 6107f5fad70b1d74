"""Two gloo processes against one, on one machine: python tests/bench/bench_processes.py

A random BERT of 4 × 512 with a vocabulary of 5,000, batches of 32 rows as long as headlines, fp32, dropout on; the same
seed, batches and order for any number of processes. Told are the loss of every epoch, which must be that of one
process, and the seconds a step, from one run each of one process with one thread and with two, and of two processes
with a thread each; three rounds in turn, medians. On one machine of two cores two processes share what one process's
two threads have: the figure shows what dividing costs, not what a second machine brings.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "components")]

ROUNDS, EPOCHS = 3, 3
# name: processes, threads of each
CANDIDATES = {"1 process, 1 thread": (1, 1), "1 process, 2 threads": (1, 2), "2 processes, 1 thread": (2, 1)}


def main() -> None:
    """Run the candidates in turn, and print the table."""
    told: dict[str, list[dict[str, list[float]]]] = {name: [] for name in CANDIDATES}
    for _ in range(ROUNDS):
        for name, (processes, threads) in CANDIDATES.items():
            told[name].append(run(processes, threads))
    reference = told["1 process, 1 thread"][0]["losses"]
    for name, rounds in told.items():
        losses = rounds[0]["losses"]
        apart = max(abs(a - b) / b for a, b in zip(losses, reference, strict=True))
        seconds = statistics.median(each["seconds"][0] for each in rounds)
        print(
            f"{name:>22}: {seconds * 1000:.0f} ms a step; losses {', '.join(f'{each:.6f}' for each in losses)}", end=""
        )
        print(f"; at most {apart:.1e} from one process's")


def run(processes: int, threads: int) -> dict[str, list[float]]:
    """Train under torchrun; → what the first process tells."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        subprocess.run(
            [*torchrun, __file__, str(threads), str(told)],
            check=True,
            capture_output=True,
            env=os.environ | {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"},
        )
        return json.loads(told.read_text())


def work(threads: int, told: Path) -> None:
    """Train as one of the processes."""
    from potstill import processes
    from potstill.training.cross_entropy import CrossEntropy
    from potstill.training.device import reproducible
    from potstill.training.loop import fit
    from potstill.training.options import TrainingOptions
    from tests.bench.bench_training import drawn_rows, make_model

    options = TrainingOptions(epochs=EPOCHS, threads=threads, dtype="float32")
    with processes.joined(), reproducible(0, threads):
        model = make_model()
        began = time.perf_counter()
        state = fit(model, drawn_rows(), CrossEntropy(), options, evaluate=None)
        seconds = (time.perf_counter() - began) / state.step
        if processes.is_first():
            told.write_text(json.dumps({"losses": state.losses, "seconds": [seconds]}))


if __name__ == "__main__":
    if "RANK" in os.environ:
        work(int(sys.argv[1]), Path(sys.argv[2]))
    else:
        main()
