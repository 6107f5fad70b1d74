"""The same figures from onnxruntime's own tool, which comes in its wheel."""

import re
import subprocess
import sys
from pathlib import Path

from tests.bench.onnx_results import LENGTHS

SAMPLES, REPEATS = 50, 10
TOOL = "onnxruntime.transformers.bert_perf_test"


def command(file: Path) -> list[str]:
    """Return what times a file as the table's last length does; wall time, where the table has CPU time."""
    shape = ["--batch_size", "1", "--sequence_length", str(LENGTHS[-1])]
    repeats = ["--samples", str(SAMPLES), "--test_times", str(REPEATS), "--intra_op_num_threads", "1"]
    return ["python", "-m", TOOL, "--model", str(file), *shape, *repeats]


def milliseconds(file: Path) -> float:
    """Run it; → its average latency. It leaves a file beside the model, too.

    Raises:
        RuntimeError: it failed, or tells its latency in another way than it did.
    """
    done = subprocess.run([sys.executable, *command(file)[1:]], capture_output=True, text=True, check=False)
    found = re.search(r"Average latency = ([\d.]+) ms", done.stdout)
    if done.returncode or not found:
        raise RuntimeError(f"{TOOL} failed:\n{done.stdout[-1000:]}\n{done.stderr[-1000:]}")
    return float(found[1])
