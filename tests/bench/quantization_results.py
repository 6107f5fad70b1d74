"""Making and judging the variants of bench_quantization, and keeping what came of them: a stopped run goes on."""

import hashlib
import json
import shutil
import time
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import nn

from potstill.artifacts import read_manifest, sha256_of
from potstill.data.tokens import TEST, TokenTable, read_split
from potstill.encoder.quantized_linears import load_quantized
from potstill.measure.intervals import paired_bootstrap
from potstill.measure.onnx_session import open_session, predict_onnx
from potstill.onnx_export import OnnxExportConfig, export_onnx
from potstill.onnx_export.config import FILES
from potstill.onnx_export.int8.int8_kernels import run_int8, running_nodes
from potstill.progress import tell
from potstill.qat import QatConfig, quantize_checkpoint
from potstill.training.device import reproducible
from potstill.training.rows import rows_to_learn
from potstill.training.scoring import accuracy, right
from tests.bench.quantization_inputs import Setting
from tests.bench.quantization_learning import train_float
from tests.bench.quantization_peers import quantized_by_optimum, quantized_with_defaults
from tests.bench.quantization_torchao import train_torchao
from tests.bench.quantization_variants import CONTROL, DEFAULTS, FLOAT, NAIVE, OPTIMUM, TORCHAO, Variant

MEGA = 1e6


@dataclass(frozen=True)
class Result:
    """What came of a variant.

    Attributes:
        file: its ONNX file.
        right: (rows of the test split,) where it is right, as onnxruntime runs it.
        simulated: accuracy as PyTorch simulates it, in [0, 1]; None where there is nothing to simulate it with.
        megabytes: of the file, 10^6 bytes.
        int8: linears that onnxruntime computes in int8.
        seconds: to make it, from the float student to the file.
    """

    file: Path
    right: npt.NDArray[np.bool_]
    simulated: float | None
    megabytes: float
    int8: int
    seconds: float

    def lost(self, before: "Result") -> str:
        """Return the points lost against another model, with their 95 % interval."""
        low, high = paired_bootstrap(before.right, self.right)
        return f"{100 * (before.right.mean() - self.right.mean()):.2f} ({100 * low:.2f} … {100 * high:.2f})"


class Results:
    """The variants of one setting, in a folder."""

    def __init__(self, work: Path, setting: Setting, most: int) -> None:
        """Use a folder; most: rows to train on and to calibrate with, 0 for as many as the variant says."""
        budget = setting.recipe.budget
        self.budget = replace(budget, rows=min(budget.rows, most)) if most else budget
        self.work, self.setting, self.most = work, setting, most
        work.mkdir(parents=True, exist_ok=True)

    def of(self, variant: Variant) -> Result | None:
        """Return what came of a variant; None where it was not made yet."""
        folder = self._place(variant)
        if not _facts(folder).is_file():
            return None
        facts = json.loads(_facts(folder).read_text())
        return Result(folder / facts.pop("file"), np.load(folder / "right.npy"), **facts)

    def make(self, variant: Variant) -> None:
        """Make and judge a variant, unless that is done; the JSON comes last."""
        folder, began = self._place(variant), time.monotonic()
        if _facts(folder).is_file():
            return
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        file, model = self._made(variant, folder)
        seconds = time.monotonic() - began
        np.save(folder / "right.npy", right(self._run(file), self.test))
        facts = {
            "file": str(file.relative_to(folder)),
            "simulated": None if model is None else self._simulated(model),
            "megabytes": file.stat().st_size / MEGA,
            "int8": len(run_int8(running_nodes(file))),
            "seconds": seconds,
        }
        _facts(folder).write_text(json.dumps(facts))
        if found := self.of(variant):
            tell(f"{self.setting.name}, {variant.name}: {100 * found.right.mean():.2f} %, {seconds:.0f} s")

    @cached_property
    def test(self) -> TokenTable:
        """The test split."""
        return read_split(self.setting.tokens, TEST)

    def _made(self, variant: Variant, out: Path) -> tuple[Path, nn.Module | None]:
        """Make a variant; → its ONNX file, and the model that computes the same in PyTorch, where there is one."""
        config, student = variant.config(self.budget, self.most), self.setting.student
        if variant.way == TORCHAO:
            return (file := out / "model.onnx"), train_torchao(self.setting, file, config)
        if variant.way == OPTIMUM:
            return quantized_by_optimum(student, out), None
        if variant.way == DEFAULTS:
            padded = self.length if variant.name == NAIVE else 0
            return quantized_with_defaults(student, out, self._calibration(config), padded), None
        checkpoint = self._checkpoint(variant, out / "checkpoint", config)
        # Whatever is lost is a figure of the table here, and no reason to stop.
        export = OnnxExportConfig(formats=variant.format, minimum_agreement=0.0)
        export_onnx(checkpoint, self.setting.tokens, out / "onnx", export)
        return out / "onnx" / FILES[variant.format], load_quantized(checkpoint)

    def _checkpoint(self, variant: Variant, out: Path, config: QatConfig) -> Path:
        if variant.way == FLOAT:
            return self.setting.student
        if variant.way == CONTROL:
            train_float(self.setting, out, config)
        else:
            teacher = self.setting.teacher if variant.teacher else None
            quantize_checkpoint(self.setting.student, self.setting.tokens, out, config, teacher)
        return out

    def _calibration(self, config: QatConfig) -> TokenTable:
        """The rows that the stage calibrates with."""
        table = rows_to_learn(self.setting.tokens, config.rows, config.seed)
        return table.take(np.arange(min(config.calibration_rows, len(table))))

    def _simulated(self, model: nn.Module) -> float:
        with reproducible(0, QatConfig().threads):
            return accuracy(model, self.test)

    def _run(self, file: Path) -> npt.NDArray[np.float32]:
        # Row by row, as on a phone: a scale that is found at run time would otherwise span the rows of a batch.
        return predict_onnx(open_session(file), self.test, batch_size=1)

    def _place(self, variant: Variant) -> Path:
        given = [sha256_of(each / "artifact.json") for each in (self.setting.student, self.setting.tokens)]
        given += [sha256_of(self.setting.teacher / "artifact.json")] if variant.teacher else []
        what = json.dumps([variant.way, asdict(variant.config(self.budget, self.most)), given])
        return self.work / f"{variant.name}-{hashlib.sha256(what.encode()).hexdigest()[:8]}"

    @property
    def length(self) -> int:
        """Most tokens of a row."""
        return int(read_manifest(self.setting.tokens).meaning["max_length"])


def _facts(folder: Path) -> Path:
    return folder / "facts.json"
