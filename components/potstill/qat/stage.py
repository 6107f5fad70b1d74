"""The stage: a float checkpoint in, the same checkpoint with int8 scales that keep its accuracy out."""

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from transformers import PreTrainedModel

from potstill.artifacts import CHECKPOINT, TOKENS, expect
from potstill.data.batches import by_length, pad
from potstill.data.tokens import VALIDATION, TokenTable, read_split
from potstill.encoder.checkpoint import load_classifier
from potstill.encoder.multi_label import refuse_multi_label
from potstill.encoder.quantization import CONFIG_KEY, is_quantized, scale_tensors
from potstill.errors import InputError
from potstill.measure.measures import Measures
from potstill.measure.torch_session import answer, predict_torch
from potstill.options import options
from potstill.progress import progress
from potstill.qat.fake_quant import observe, prepare, restore
from potstill.qat.objective import FreezingDistillation
from potstill.training.agreement import equal_tokenizers, own_tokens
from potstill.training.answers import teacher_answers
from potstill.training.facts import training_facts, training_measures
from potstill.training.loop import fit
from potstill.training.options import TrainingOptions
from potstill.training.rows import rows_to_learn
from potstill.training.run import training_run
from potstill.training.scoring import accuracy, nearness_on

CALIBRATION_BATCH = 64  # rows; of like length, so that little is padded


@options
class QatConfig(TrainingOptions):
    """How the int8 model is trained."""

    epochs: Annotated[int, Field(ge=0)] = 1
    """Passes over the rows; 0: calibrate the ranges only, train nothing."""
    batch_size: Annotated[int, Field(ge=1)] = 64
    """Rows per optimiser step."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 5e-5
    """Peak learning rate of AdamW."""
    dtype: str = "float32"
    """auto, float32 or bfloat16; bfloat16 blurs the int8 grid that is trained for."""
    rows: Annotated[int, Field(ge=0)] = 0
    """Rows (labelled and unlabelled) to train on; 0: all."""
    calibration_rows: Annotated[int, Field(ge=1)] = 512
    """Rows that set the first ranges, before any training."""
    freeze_share: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Last share of the steps in which ranges stand still."""
    temperature: Annotated[float, Field(gt=0)] = 2.0
    """Softens both distributions in the distillation."""


def quantize_checkpoint(
    student: Path, tokens: Path, quantized: Path, config: QatConfig, teacher: Path | None = None
) -> Measures:
    """Train a model to keep its accuracy in int8: weights per output channel, inputs of linears per tensor.

    Linears and embeddings are quantised; LayerNorm, softmax, GELU and residual sums stay float. The targets are the
    answers of the teacher, or of the float model itself when no teacher is given.

    Args:
        student: `checkpoint/v1` of a float classifier.
        tokens: `tokens/v1`; `train` and `unlabelled` are trained on, `validation` chooses the epoch.
        quantized: where the `checkpoint/v1` is written: float weights, and the scales as named tensors beside them
            (potstill.encoder.quantization tells the layout).
        config: the options.
        teacher: `checkpoint/v1` to distil from.

    Returns: validation accuracy in [0, 1] of the float model, after calibration alone, and after training.

    Raises:
        ArtifactError: an input is not sealed, or of another kind.
        InputError: the model is quantised already or multi-label, the tokens are of another tokenizer, or the loss
            became NaN.
    """
    inputs = {"student": expect(student, CHECKPOINT), "tokens": expect(tokens, TOKENS)}
    if teacher:
        inputs["teacher"] = expect(teacher, CHECKPOINT)
    refuse_multi_label("qat", *inputs.values())
    own_tokens(inputs["student"], inputs["tokens"])
    if teacher and not equal_tokenizers(inputs["teacher"], inputs["tokens"]):
        raise InputError(
            f"the teacher {teacher} has another tokenizer than {tokens}, as after a cut of the vocabulary; leave "
            "--teacher out, and the float model itself is the teacher"
        )
    if is_quantized(student):
        raise InputError(f"{student} has int8 scales already; pass the float checkpoint that it was made from")
    table, validation = rows_to_learn(tokens, config.rows, config.seed), read_split(tokens, VALIDATION)
    with training_run("qat", quantized, config, inputs) as run:
        model = load_classifier(student)
        source = load_classifier(teacher or student)
        targets = teacher_answers(source, table, config, "teacher answers")
        as_float = accuracy(model, validation)
        _calibrate(prepare(model), table, config)
        calibrated = accuracy(model, validation)
        objective = FreezingDistillation(targets, config.temperature, config.freeze_share)
        nearness = nearness_on(validation, torch.from_numpy(predict_torch(source, validation)), config.temperature)
        state = fit(model, table, objective, config, nearness, "qat", checkpoints=run.checkpoints)
        measures = training_measures(state, model) | {
            "float_validation_accuracy": as_float,
            "calibrated_validation_accuracy": calibrated,
            "validation_accuracy": accuracy(model, validation),
        }
        scales = _restore(model)
        meaning = {
            "labels": inputs["student"].meaning["labels"],
            "max_length": inputs["student"].meaning["max_length"],
            "float_validation_accuracy": as_float,
            "calibrated_validation_accuracy": calibrated,
            "validation_accuracy": measures["validation_accuracy"],
            "training": training_facts(state, config),
        }
        run.write(model, student, meaning, scales)
    return measures


def _calibrate(model: PreTrainedModel, table: TokenTable, config: QatConfig) -> None:
    """Let every input's range be seen once, so that training begins with ranges that fit."""
    seen = table.take(np.arange(min(config.calibration_rows, len(table))))
    observe(model, on=True)
    with torch.inference_mode():
        for rows in progress(list(by_length(seen, CALIBRATION_BATCH)), "calibration", unit="batch"):
            answer(model, pad(seen, rows))
    observe(model, on=False)


def _restore(model: PreTrainedModel) -> dict[str, Tensor]:
    """Make the model a plain one again; → its scales, as they stand beside the weights."""
    scales = restore(model)
    setattr(model.config, CONFIG_KEY, {"weights": "int8 per row, symmetric", "inputs": "uint8 per tensor, asymmetric"})
    return scale_tensors(scales)
