"""Compile every component and every pipeline for a cluster.

    python -m pipelines.compile --out dist/

The same sources give the same bytes: `dist/components/<stage>.yaml`, `dist/pipelines/<name>.yaml`.
"""

from potstill.entry import begin

if __name__ == "__main__":
    begin()  # kfp takes seconds to load, and Ctrl-C may come before it has

import sys
from pathlib import Path
from typing import Any

import tyro
from kfp import compiler

from pipelines.assisted import assisted
from pipelines.compress import compress
from pipelines.export_only import export_only
from potstill.choose_round.component import choose_round
from potstill.coreml_export.component import coreml_export
from potstill.distill.component import distill
from potstill.distill.train_job import distill_job
from potstill.latency_table.component import latency_table
from potstill.onnx_export.component import onnx_export
from potstill.prune.component import prune
from potstill.prune.train_job import prune_job
from potstill.qat.component import qat
from potstill.qat.train_job import qat_job
from potstill.teacher_cache.component import teacher_cache
from potstill.teacher_ensemble.component import teacher_ensemble
from potstill.teacher_train.component import teacher_train
from potstill.teacher_train.train_job import teacher_train_job
from potstill.tokenize.component import tokenize
from potstill.validate.component import validate

COMPONENTS = {
    "tokenize": tokenize,
    "teacher-train": teacher_train,
    "teacher-cache": teacher_cache,
    "teacher-ensemble": teacher_ensemble,
    "distill": distill,
    "latency-table": latency_table,
    "prune": prune,
    "choose-round": choose_round,
    "qat": qat,
    "onnx-export": onnx_export,
    "coreml-export": coreml_export,
    "validate": validate,
    "teacher-train-job": teacher_train_job,
    "distill-job": distill_job,
    "prune-job": prune_job,
    "qat-job": qat_job,
}
PIPELINES = {"compress": compress, "assisted": assisted, "export-only": export_only}


def compile_all(out: Path) -> list[Path]:
    """Write the YAML of every component and pipeline; → the files.

    Args:
        out: the folder; files of the same names are replaced.
    """
    written = [_compile(each, out / "components" / f"{name}.yaml") for name, each in COMPONENTS.items()]
    return written + [_compile(each, out / "pipelines" / f"{name}.yaml") for name, each in PIPELINES.items()]


def _compile(what: Any, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(what, package_path=str(path))
    return path


def main(out: Path = Path("dist")) -> None:
    """Compile every component and pipeline for a cluster.

    Args:
        out: Folder for the YAML files.
    """
    for path in compile_all(out):
        print(path, file=sys.stderr)


if __name__ == "__main__":
    tyro.cli(main)
