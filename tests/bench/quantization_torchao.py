"""torchao's PT2E quantisation-aware training as a peer of bench_quantization. It is in no lock: pip brings it."""

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from potstill.data.batches import by_length, pad
from potstill.data.tokens import TokenTable
from potstill.encoder.checkpoint import load_classifier
from potstill.measure.torch_session import answer
from potstill.qat import QatConfig
from potstill.training.device import reproducible
from potstill.training.distillation import Distillation, from_answers
from potstill.training.objective import Inputs
from tests.bench.quantization_inputs import Setting
from tests.bench.quantization_learning import learn, lessons_of

HOW = (
    "pip install --no-deps --target FOLDER torchao==0.18.0 onnxscript==0.7.2 onnx-ir==1.1.0, and pass --torchao FOLDER"
)
NEEDED = ("torchao", "onnxscript", "onnx-ir")  # PyTorch writes the ONNX file of an exported graph with the last two
OPSET = 18  # the lowest that its exporter writes
CALIBRATION_BATCH = 64
EXAMPLE = (torch.full((2, 16), 5), torch.ones(2, 16, dtype=torch.int64))
AXES = {0: torch.export.Dim("batch", min=1, max=4096), 1: torch.export.Dim("tokens", min=3, max=128)}


def torchao_version(folder: Path | None) -> str:
    """Return the version that is found in the folder that pip was given, or where Python looks; empty: none is."""
    sys.path[:0] = [str(folder)] if folder else []
    try:
        found, *_ = [version(name) for name in NEEDED]  # all of them, or none counts
    except PackageNotFoundError:
        return ""
    return found


def train_torchao(setting: Setting, file: Path, config: QatConfig) -> nn.Module:
    """Export, prepare, train and convert a student as torchao's guide for x86 has it, and write its ONNX file.

    Its scheme is ours: uint8 inputs of linears, one range; int8 weights, a scale per output channel. Embeddings stay
    float. Ranges are calibrated and frozen when ours are; rows, steps, loss and choice of the epoch are ours.

    Args:
        setting: student, teacher and tokens.
        file: where the ONNX file is written.
        config: the stage's options.

    Returns: the converted model, which computes the same in PyTorch.
    """
    with reproducible(config.seed, config.threads):
        lessons = lessons_of(setting, config)
        model = Exported(setting.student)
        model.calibrate(lessons.table.take(np.arange(min(config.calibration_rows, len(lessons.table)))))
        objective = FreezingObservers(lessons.answers, config)
        learn(model, lessons, config, objective, "torchao")
        model.convert()
        model.write(file)
    return model


class Exported(nn.Module):
    """An exported classifier with fake quantisation in it, which answers as a Hugging Face model does."""

    def __init__(self, student: Path) -> None:
        super().__init__()
        # PyTorch's fused attention keeps the dropout that it was exported with; the plain one lets it be turned off.
        model = load_classifier(student, attention="eager")
        self.config = model.config
        self.graph = prepared(model)
        self.eval()

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        """(rows, tokens) int64 each → logits, (rows, labels) float32."""
        return SimpleNamespace(logits=self.graph(input_ids, attention_mask))

    @property
    def base_model(self) -> nn.Module:
        """Itself: it has no layers to be looked at."""
        return self

    def train(self, mode: bool = True) -> "Exported":
        """Turn dropout on or off. An exported graph has it as a constant, and refuses the usual way."""
        from torchao.quantization import pt2e

        self.training = mode
        (pt2e.move_exported_model_to_train if mode else pt2e.move_exported_model_to_eval)(self.graph)
        return self

    def observe(self, *, on: bool) -> None:
        """Let ranges follow what is seen, or stand still."""
        from torchao.quantization import pt2e

        self.graph.apply(pt2e.enable_observer if on else pt2e.disable_observer)

    def calibrate(self, table: TokenTable) -> None:
        """Let every range be seen once, so that training begins with ranges that fit."""
        self.observe(on=True)
        with torch.inference_mode():
            for rows in by_length(table, CALIBRATION_BATCH):
                answer(self, pad(table, rows))
        self.observe(on=False)

    def convert(self) -> None:
        """Put true quantisation in the place of the fake one."""
        from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e

        self.graph = convert_pt2e(self.graph)

    def write(self, file: Path) -> None:
        """Write it as ONNX."""
        torch.onnx.export(
            self.graph,
            EXAMPLE,
            file,
            dynamo=True,
            opset_version=OPSET,
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_shapes=(AXES, AXES),
            external_data=False,
            verbose=False,
        )


class Logits(nn.Module):
    """A Hugging Face classifier that returns a plain tensor: only such is exported."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """(rows, tokens) int64 each → (rows, labels) float32."""
        logits: Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits


def prepared(model: nn.Module) -> Any:
    """Export a classifier, with dropout in it, and put fake quantisation around its linears."""
    from torchao.quantization.pt2e.quantize_pt2e import prepare_qat_pt2e
    from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

    exported = torch.export.export(Logits(model).train(), EXAMPLE, dynamic_shapes=(AXES, AXES)).module()
    quantizer = x86.X86InductorQuantizer()
    quantizer.set_global(x86.get_default_x86_inductor_quantization_config(is_qat=True))
    return prepare_qat_pt2e(exported, quantizer)


class FreezingObservers(Distillation):
    """The stage's loss; in the last part of the steps the ranges stand still, as they do in the stage."""

    def __init__(self, answers: Tensor, config: QatConfig) -> None:
        super().__init__(from_answers(answers, config.temperature))
        self.freeze_share = config.freeze_share

    def forward(self, model: Any, batch: Inputs) -> Tensor:
        """Return the batch's loss."""
        model.observe(on=batch.progress < 1 - self.freeze_share)
        loss = super().forward(model, batch)
        model.observe(on=False)  # an evaluation between epochs must not move them
        return loss
