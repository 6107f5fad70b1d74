"""Training beside the stage, on its rows, for its steps, with its loss: the float control, and whoever else trains."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from potstill.artifacts import CHECKPOINT, TOKENS, expect
from potstill.data.tokens import VALIDATION, TokenTable, read_split
from potstill.encoder.checkpoint import load_classifier
from potstill.measure.torch_session import predict_torch
from potstill.qat import QatConfig
from potstill.training.answers import teacher_answers
from potstill.training.distillation import Distillation, from_answers
from potstill.training.loop import fit
from potstill.training.objective import Objective
from potstill.training.rows import rows_to_learn
from potstill.training.run import training_run
from potstill.training.scoring import nearness_on
from tests.bench.quantization_inputs import Setting


@dataclass(frozen=True)
class Lessons:
    """What there is to learn from.

    Attributes:
        table: rows to train on.
        answers: (rows, labels) the teacher's logits on them.
        validation: rows that choose the epoch.
        wanted: (rows, labels) the teacher's logits on those.
    """

    table: TokenTable
    answers: Tensor
    validation: TokenTable
    wanted: Tensor


def lessons_of(setting: Setting, config: QatConfig) -> Lessons:
    """Read the rows that the stage reads, with the teacher's answers."""
    teacher, validation = load_classifier(setting.teacher), read_split(setting.tokens, VALIDATION)
    table = rows_to_learn(setting.tokens, config.rows, config.seed)
    answers = teacher_answers(teacher, table, config, "teacher answers")
    return Lessons(table, answers, validation, torch.from_numpy(predict_torch(teacher, validation)))


def learn(model: nn.Module, lessons: Lessons, config: QatConfig, objective: Objective, what: str) -> None:
    """Train a model in place as the stage does; it ends with the weights of its best epoch."""
    nearness = nearness_on(lessons.validation, lessons.wanted, config.temperature)
    fit(model, lessons.table, objective, config, nearness, what)


def train_float(setting: Setting, out: Path, config: QatConfig) -> None:
    """Train the student on in float: what the training alone brings, whatever the numbers' format."""
    inputs = {"student": expect(setting.student, CHECKPOINT), "tokens": expect(setting.tokens, TOKENS)}
    with training_run("bench", out, config, inputs) as run:
        model, lessons = load_classifier(setting.student), lessons_of(setting, config)
        learn(model, lessons, config, Distillation(from_answers(lessons.answers, config.temperature)), "float")
        known = inputs["student"].meaning
        run.write(model, setting.student, {name: known[name] for name in ("labels", "max_length")})
