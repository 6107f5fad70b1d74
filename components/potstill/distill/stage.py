"""The stage: a teacher and tokens in, a small student that answers like it out."""

from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field, field_validator
from sklearn.metrics import f1_score
from transformers import PreTrainedModel

from potstill.artifacts import CHECKPOINT, TOKENS, Artifact, creating, expect, seal
from potstill.data.tokens import TEST, TRAIN, VALIDATION, TokenTable, read_split
from potstill.distill.hidden import HiddenMatching
from potstill.encoder.checkpoint import load_classifier, read_config, save_checkpoint
from potstill.encoder.layer_map import layer_map
from potstill.encoder.students import INITS, LAYERS_OF_TEACHER, SHAPE_NAMES, Shape, build_student, student_depth
from potstill.errors import InputError
from potstill.measure.measures import Measures
from potstill.measure.torch_session import predict_torch
from potstill.options import choose, options
from potstill.provenance import maker
from potstill.training.answers import teacher_answers
from potstill.training.cross_entropy import CrossEntropy
from potstill.training.device import reproducible
from potstill.training.distillation import Distillation
from potstill.training.facts import training_facts, training_measures
from potstill.training.loop import fit
from potstill.training.options import TrainingOptions
from potstill.training.rows import rows_to_learn
from potstill.training.scoring import accuracy, accuracy_on, nearness_on


@options
class DistillConfig(TrainingOptions):
    """The student's shape and first weights, and what it learns from the teacher."""

    epochs: Annotated[int, Field(ge=0)] = 3
    """Passes over labelled and unlabelled rows, at most."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 2e-4
    """Peak learning rate of AdamW."""
    shape: str = LAYERS_OF_TEACHER
    """layers-of-teacher, tinybert-4x312, minirbt-6x256, mobilebert or custom."""
    layers: Annotated[int, Field(ge=1)] = 2
    """Layers of a layers-of-teacher, mobilebert or custom student."""
    hidden: Annotated[int, Field(ge=1)] = 312
    """Hidden width of a custom student."""
    heads: Annotated[int, Field(ge=1)] = 12
    """Attention heads of a custom student."""
    ffn: Annotated[int, Field(ge=1)] = 1200
    """FFN neurons of a custom student."""
    init: str = "auto"
    """First weights: teacher, checkpoint, random; auto: --start if given, else the teacher's layers or random."""
    layer_map: str = "uniform"
    """Teacher layer of each student layer: uniform, first, last, or explicit as 0,3."""
    temperature: Annotated[float, Field(gt=0)] = 2.0
    """Softens both distributions in the soft-label loss."""
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Weight of the true labels against the teacher's; 0: the teacher alone."""
    hidden_weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of hidden-state matching; above 0 the teacher runs in every batch."""
    control: bool = False
    """Also train the same student for as many steps on the labels alone, and report the gain."""

    @field_validator("shape")
    @classmethod
    def _shape(cls, value: str) -> str:
        return choose("shape", value, SHAPE_NAMES)

    @field_validator("init")
    @classmethod
    def _init(cls, value: str) -> str:
        return choose("init", value, INITS)


def distill_student(
    teacher: Path,
    tokens: Path,
    student: Path,
    config: DistillConfig,
    start: Path | None = None,
    unlabelled: Path | None = None,
) -> Measures:
    """Train a small student to answer as the teacher does, on the labelled and all the unlabelled text.

    The teacher answers every row once; its logits are kept, and the student learns from them in each epoch.

    Args:
        teacher: `checkpoint/v1`, fine-tuned on the labels of `tokens`.
        tokens: `tokens/v1`; its `train` and `unlabelled` rows are learned from, `validation` chooses the epoch.
        student: where the student's `checkpoint/v1` is written.
        config: the options.
        start: `checkpoint/v1` of a small pretrained encoder for the student's first weights.
        unlabelled: `tokens/v1` whose `unlabelled` rows are learned from, too; same tokenizer.

    Returns: validation accuracy and agreement with the teacher in [0, 1], parameters, steps; with `control` also the
        control's validation accuracy and the gain.

    Raises:
        ArtifactError: an input is not sealed, or of another kind.
        InputError: labels, vocabulary or length of the inputs do not fit together.
        OptionError: shape, init and layer_map do not go together.
    """
    inputs = _expect_inputs(teacher, tokens, start, unlabelled)
    table = rows_to_learn(tokens, further=[unlabelled] if unlabelled else [])
    validation = read_split(tokens, VALIDATION)
    with creating(student, teacher, tokens, start, unlabelled), reproducible(config.seed, config.threads):
        model_teacher = load_classifier(teacher)
        logits = teacher_answers(model_teacher, table, config, "teacher answers")
        model, mapping = _build(config, model_teacher, inputs["tokens"], start)
        hidden = HiddenMatching(model, model_teacher, mapping, config.hidden_weight) if config.hidden_weight else None
        objective = Distillation(logits, config.temperature, config.alpha, hidden)
        nearness = nearness_on(
            validation, torch.from_numpy(predict_torch(model_teacher, validation)), config.temperature
        )
        state = fit(model, table, objective, config, nearness, "student")
        reached = accuracy(model, validation)
        control = _control(config, model_teacher, inputs["tokens"], start, state.step) if config.control else {}
        measures = training_measures(state, model) | {
            "validation_accuracy": reached,
            "teacher_agreement": _agreement(model, model_teacher, validation),
            **_gain(reached, control),
        }
        save_checkpoint(model, tokens, student)
        meaning = {
            "labels": inputs["tokens"].meaning["labels"],
            "max_length": inputs["tokens"].meaning["max_length"],
            "layer_map": mapping,
            "rows": len(table),
            "training": training_facts(state, config),
            **({"control": control} if control else {}),
        }
        seal(student, CHECKPOINT, maker("distill", config), inputs, meaning)
    return measures


def _expect_inputs(teacher: Path, tokens: Path, start: Path | None, unlabelled: Path | None) -> dict[str, Artifact]:
    found = {"teacher": expect(teacher, CHECKPOINT), "tokens": expect(tokens, TOKENS)}
    if start:
        found["start"] = expect(start, CHECKPOINT)
    if unlabelled:
        found["unlabelled"] = expect(unlabelled, TOKENS)
        _same_vocabulary(found["tokens"], found["unlabelled"])
    if found["teacher"].meaning["labels"] != found["tokens"].meaning["labels"]:
        raise InputError(
            f"the teacher knows the labels {', '.join(found['teacher'].meaning['labels'])}, the tokens have "
            f"{', '.join(found['tokens'].meaning['labels'])}; train the teacher on these tokens"
        )
    return found


def _same_vocabulary(tokens: Artifact, unlabelled: Artifact) -> None:
    def tokenizer(artifact: Artifact) -> str:
        return next((file.sha256 for file in artifact.files if file.path == "tokenizer.json"), "")

    if tokenizer(tokens) != tokenizer(unlabelled):
        raise InputError(f"{unlabelled.path} and {tokens.path} have different tokenizers; tokenize both with the same")


def _build(
    config: DistillConfig, teacher: PreTrainedModel, tokens: Artifact, start: Path | None
) -> tuple[PreTrainedModel, list[int]]:
    custom = Shape(config.layers, config.hidden, config.heads, config.ffn)
    depth = student_depth(config.shape, custom, read_config(start).num_hidden_layers if start else 0)
    mapping = layer_map(config.layer_map, depth, teacher.config.num_hidden_layers)
    torch.manual_seed(config.seed)  # the control begins from the same weights
    return build_student(config.shape, custom, config.init, mapping, teacher, tokens, start), mapping


def _control(
    config: DistillConfig, teacher: PreTrainedModel, tokens: Artifact, start: Path | None, steps: int
) -> dict[str, float]:
    """Train the same student for at most as many steps on the labels alone; → its figures."""
    model, _ = _build(config, teacher, tokens, start)
    train, validation, test = (read_split(tokens.path, split) for split in (TRAIN, VALIDATION, TEST))
    state = fit(model, train, CrossEntropy(), config, accuracy_on(validation), "control without distillation", steps)
    predicted = predict_torch(model, test).argmax(1)
    return {
        "validation_accuracy": state.best_score,
        "test_accuracy": float((predicted == test.labels).mean()),
        "test_macro_f1": float(f1_score(test.labels, predicted, average="macro", zero_division=0)),
        "labelled_rows": len(train),
        "steps": state.step,
    }


def _agreement(student: PreTrainedModel, teacher: PreTrainedModel, table: TokenTable) -> float:
    return float((predict_torch(student, table).argmax(1) == predict_torch(teacher, table).argmax(1)).mean())


def _gain(reached: float, control: dict[str, float]) -> dict[str, float]:
    if not control:
        return {}
    score = control["validation_accuracy"]
    return {"control_validation_accuracy": score, "gain_over_control": reached - score}
