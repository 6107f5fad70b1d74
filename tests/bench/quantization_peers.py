"""Peers of bench_quantization that train nothing, used as their users use them: on files, with their defaults."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, quantize_static

from potstill.data.batches import Batch, pad
from potstill.data.tokens import TokenTable
from potstill.measure.onnx_session import feed, open_session
from potstill.onnx_export.graphs.noise import without_noise

CLI = Path(sys.executable).with_name("optimum-cli")
LEVEL = "--avx512_vnni"  # it must be told a processor; this is the one that this project is measured on


def exported_by_optimum(student: Path, work: Path) -> Path:
    """Export a checkpoint as `optimum-cli export onnx` does by itself; → the ONNX file."""
    run("export", "onnx", "--model", student, "--task", "text-classification", work)
    return work / "model.onnx"


def quantized_by_optimum(student: Path, work: Path) -> Path:
    """Quantise a checkpoint as `optimum-cli onnxruntime quantize` does by itself; → the ONNX file."""
    exported = exported_by_optimum(student, work / "exported").parent
    run("onnxruntime", "quantize", LEVEL, "--onnx_model", exported, "-o", work / "quantized")
    return work / "quantized" / "model_quantized.onnx"


def run(*arguments: str | Path) -> None:
    """Run optimum-cli; its words are shown where it fails."""
    done = subprocess.run([CLI, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"optimum-cli {' '.join(map(str, arguments))} failed:\n{done.stderr}")


def quantized_with_defaults(student: Path, work: Path, table: TokenTable, length: int) -> Path:
    """Quantise as onnxruntime's quantize_static does by itself: every operator, int8, ranges from minima and maxima.

    Args:
        student: the checkpoint.
        work: an empty folder.
        table: rows that set the ranges.
        length: to which they are padded, as tokenizers do when they are told to; 0: not at all.

    Returns: the ONNX file.
    """
    exported, file = exported_by_optimum(student, work / "exported"), work / "quantized.onnx"
    names = {each.name for each in open_session(exported).get_inputs()}
    with without_noise():
        quantize_static(exported, file, Rows(names, table, length))
    return file


class Rows(CalibrationDataReader):
    """Rows one by one, in the form that onnxruntime asks for."""

    def __init__(self, names: set[str], table: TokenTable, length: int) -> None:
        self.names, self.batches = names, one_by_one(table, length)

    def get_next(self) -> Any:
        """The next row's inputs, or None after the last."""
        batch = next(self.batches, None)
        return None if batch is None else feed(self.names, batch)


def one_by_one(table: TokenTable, length: int) -> Iterator[Batch]:
    """Yield each row as a batch, padded to `length`; 0: not padded."""
    return (pad(table, np.array([row]), length) for row in range(len(table)))
