"""`python -m potstill.remote.worker <file> <stage> …`: a process that trains; the first writes what was measured."""

import json
import math
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from potstill.generated import run_stage
from potstill.measure.measures import Measures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stage; return its exit code."""
    measured, stage, *options = sys.argv[1:] if arguments is None else arguments
    return run_stage(stage, options, partial(_write, Path(measured)))


def _write(path: Path, measures: Measures) -> None:
    if os.environ.get("RANK", "0") == "0":
        finite = {name: value for name, value in measures.items() if math.isfinite(value)}
        path.write_text(json.dumps(finite), encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
