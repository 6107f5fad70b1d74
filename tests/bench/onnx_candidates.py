"""What bench_onnx compares: one checkpoint, in every form in which it can run."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from potstill.artifacts import CHECKPOINT, expect, read_manifest
from potstill.onnx_export import OnnxExportConfig, export_onnx
from potstill.progress import tell
from tests.bench.onnx_longer import with_longer_tables
from tests.bench.onnx_peers import HOW, by_olive, by_optimum, olive_version
from tests.bench.onnx_runners import COMPILED, EAGER, way_of, why_not_compiled

FP32 = "fp32"  # the format that all are compared with
# By format what the table calls it, in the table's order; a format that is not here goes by its name and stands last.
TITLES = {
    EAGER: "torch eager",
    COMPILED: "torch compiled",
    "torchscript": "TorchScript",
    FP32: "onnxruntime fp32",
    "optimized": "onnxruntime fp32, optimised",
    "int8": "dynamic int8",
    "int8_qdq": "QDQ int8",
    "int8_ort": "dynamic int8, .ort",
    "int8_qdq_ort": "QDQ int8, .ort",
}


@dataclass(frozen=True)
class Candidate:
    """One row of the table.

    Attributes:
        name: a format of onnx-export, EAGER, COMPILED, or a peer's name.
        way: how it is opened (onnx_runners).
        path: the file, or the folder of the checkpoint, as a user ships it.
        longer: the same with longer tables, for timing (onnx_longer).
    """

    name: str
    way: str
    path: Path
    longer: Path

    @property
    def title(self) -> str:
        """What the table calls it."""
        return TITLES.get(self.name, self.name)

    @property
    def megabytes(self) -> float:
        """Size of the file, or of the checkpoint's weights, 10^6 bytes."""
        file = self.path / "model.safetensors" if self.path.is_dir() else self.path
        return file.stat().st_size / 1e6


def all_candidates(checkpoint: Path, tokens: Path, work: Path, olive: Path | None) -> list[Candidate]:
    """Make every form anew.

    Args:
        checkpoint: checkpoint/v1, with or without int8 scales.
        tokens: tokens/v1 of its tokenizer.
        work: where everything is written.
        olive: the python of an environment with Olive; its row is left out where it is not there.
    """
    shutil.rmtree(work, ignore_errors=True)
    longer = with_longer_tables(expect(checkpoint, CHECKPOINT).path, work / "longer-checkpoint")
    if not olive_version(olive):
        tell(f"Olive is not found, its row is left out; {HOW}")
        olive = None
    here = made_files(checkpoint, tokens, work / "files", olive)
    there = made_files(longer, tokens, work / "longer-files", olive)
    ways = [EAGER] if _without_compiler() else [EAGER, COMPILED]
    torch_ways = [Candidate(way, way, checkpoint, longer) for way in ways]
    return torch_ways + [Candidate(name, way_of(file), file, there[name]) for name, file in here.items()]


def made_files(checkpoint: Path, tokens: Path, work: Path, olive: Path | None) -> dict[str, Path]:
    """Export a checkpoint, and let the peers quantise it; → the files that can be run, by name."""
    tell(f"exporting {checkpoint}")
    # Whatever is lost is a figure of the table here, and no reason to stop.
    export_onnx(checkpoint, tokens, work / "onnx", OnnxExportConfig(minimum_agreement=0.0))
    files = exported_files(work / "onnx")
    files = {name: files[name] for name in sorted(files, key=_place)}
    peers = by_optimum(checkpoint, files[FP32], work / "optimum")
    if olive is not None:
        peers |= by_olive(olive, checkpoint, files[FP32], work / "olive")
    return {name: file for name, file in (files | peers).items() if way_of(file)}


def exported_files(folder: Path) -> dict[str, Path]:
    """Return the files of an onnx/v1 by format; bert_perf_test may have left its own files beside them."""
    return {name: folder / file for name, file in read_manifest(folder).meaning["formats"].items()}


def _place(name: str) -> int:
    return list(TITLES).index(name) if name in TITLES else len(TITLES)


def _without_compiler() -> bool:
    reason = why_not_compiled()
    if reason:
        tell(f"torch.compile does not work here, its row is left out: {reason}")
    return bool(reason)
