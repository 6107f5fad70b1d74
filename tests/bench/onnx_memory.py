"""Peak memory of loading and running one model: python tests/bench/onnx_memory.py WAY PATH

Each model has a fresh process. It tells its peak resident memory in bytes, less what it held with all libraries loaded
and no model. Linux counts a process's peak from its own start only in /proc; getrusage's would begin with its parent's.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "components")]

STATUS = Path("/proc/self/status")
TOKENS, RUNS = 32, 20  # of the one row


def peak_megabytes(way: str, path: Path) -> float:
    """Measure a model in a process of its own; 10^6 bytes; NaN where there is no /proc."""
    if not STATUS.is_file():
        return float("nan")
    done = subprocess.run([sys.executable, __file__, way, path], check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1]) / 1e6


def main() -> None:
    """Load a model, run it, and tell what that took."""
    import torch

    from tests.bench.onnx_runners import opened, row_of

    torch.set_num_threads(1)
    before = resident("VmRSS")
    call = opened(sys.argv[1], Path(sys.argv[2]))(row_of(TOKENS))
    for _ in range(RUNS):
        call()
    print(max(resident("VmHWM") - before, 0))


def resident(field: str) -> int:
    """Return a field of this process's memory, in bytes."""
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(lines[field].split()[0]) * 1024


if __name__ == "__main__":
    main()
