"""Compile every component and every pipeline for a cluster.

    python -m pipelines.compile --out dist/
    python -m pipelines.compile --out dist/ --placement pipelines/params/placement/gpu-spot.yaml

The same sources give the same bytes: `dist/components/<stage>.yaml`, `dist/pipelines/<name>.yaml`. A pipeline is two
YAML documents: what runs, and what kfp-kubernetes adds of where.
"""

from potstill.entry import begin

if __name__ == "__main__":
    begin()  # kfp takes seconds to load, and Ctrl-C may come before it has

import sys
from pathlib import Path
from typing import Any

from kfp import compiler

from pipelines.assisted import assisted
from pipelines.compress import compress
from pipelines.export_only import export_only
from pipelines.placement import placed
from pipelines.placement_file import Placement, read_placement
from pipelines.release import release_pipeline
from potstill.arguments import parse
from potstill.choose_round.component import choose_round
from potstill.coreml_export.component import coreml_export
from potstill.distill.component import distill
from potstill.distill.train_job import distill_job
from potstill.errors import PotstillError
from potstill.latency_table.component import latency_table
from potstill.onnx_export.component import onnx_export
from potstill.os_failures import explain
from potstill.prune.component import prune
from potstill.prune.train_job import prune_job
from potstill.publish.component import publish
from potstill.qat.component import qat
from potstill.qat.train_job import qat_job
from potstill.release.component import release
from potstill.sign.component import sign
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
    "release": release,
    "sign": sign,
    "publish": publish,
    "teacher-train-job": teacher_train_job,
    "distill-job": distill_job,
    "prune-job": prune_job,
    "qat-job": qat_job,
}
PIPELINES = {"compress": compress, "assisted": assisted, "export-only": export_only, "release": release_pipeline}


def compile_all(out: Path, placement: Placement | None = None) -> list[Path]:
    """Write the YAML of every component and pipeline; → the files.

    Args:
        out: the folder; files of the same names are replaced.
        placement: where the pipelines' steps run; None is as on the kind cluster. Components know of no place.
    """
    written = [_compile(each, out / "components" / f"{name}.yaml") for name, each in COMPONENTS.items()]
    pipelines = {name: placed(each, placement) if placement else each for name, each in PIPELINES.items()}
    return written + [_compile(each, out / "pipelines" / f"{name}.yaml") for name, each in pipelines.items()]


def _compile(what: Any, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(what, package_path=str(path))
    return path


def main(arguments: list[str] | None = None) -> int:
    """Compile from the command line; → 0, or 2 after a refusal, with one line on stderr.

    Args:
        arguments: as on the command line; None: those.
    """

    def command(out: Path = Path("dist"), placement: Path | None = None) -> None:
        """Compile every component and pipeline for a cluster.

        Args:
            out: Folder for the YAML files.
            placement: YAML file of where steps run: GPUs, memory, nodes, secrets; pipelines/params/placement/ has some.
        """
        for path in compile_all(out, read_placement(placement) if placement else None):
            print(path, file=sys.stderr)

    try:
        parse(command, prog="python -m pipelines.compile", args=arguments)()
    except PotstillError as refused:
        print(f"potstill: error: {refused}", file=sys.stderr)
        return 2
    except OSError as failed:  # a folder that may not be written
        print(f"potstill: error: {explain(failed, 'compile')}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
