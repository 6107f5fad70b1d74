"""The stage: a starting checkpoint and labelled tokens in, a fine-tuned classifier out."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from torch import Tensor

from potstill.artifacts import CHECKPOINT, TOKENS, Artifact, expect
from potstill.data.tokens import TRAIN, VALIDATION, TokenTable, read_split
from potstill.encoder.start import start_classifier
from potstill.errors import OptionError
from potstill.measure.measures import Measures
from potstill.options import choose, options
from potstill.training.cross_entropy import balanced_weights
from potstill.training.facts import training_facts, training_measures
from potstill.training.loop import fit
from potstill.training.options import TrainingOptions
from potstill.training.run import training_run
from potstill.training.task import label_objective, score_on, validation_measures

NONE, BALANCED = CLASS_WEIGHTS = ("none", "balanced")


@options
class TeacherTrainConfig(TrainingOptions):
    """Fine-tuning of the teacher."""

    epochs: Annotated[int, Field(ge=0)] = 5
    """Passes over the labelled rows, at most."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of each target spread evenly over all labels (arXiv:1512.00567)."""
    class_weights: str = NONE
    """none, or balanced: labels count alike, however many rows each has."""
    start_digest: str = ""
    """Digest that the starting checkpoint must have; empty: any."""

    @field_validator("class_weights")
    @classmethod
    def _class_weights(cls, value: str) -> str:
        return choose("class_weights", value, CLASS_WEIGHTS)


def train_teacher(tokens: Path, start: Path, teacher: Path, config: TeacherTrainConfig) -> Measures:
    """Fine-tune a pretrained encoder into the most accurate classifier that the labels allow.

    Length-bucketed batches with dynamic padding, AdamW with warm-up and linear decay, gradient clipping, early
    stopping on validation accuracy, or on micro-F1 of a multi-label set; the weights of the best epoch are kept.

    Args:
        tokens: `tokens/v1` with a labelled `train` and `validation` split.
        start: `checkpoint/v1` of a pretrained encoder of the BERT family (potstill import-checkpoint makes one).
        teacher: where the fine-tuned `checkpoint/v1` is written.
        config: the options.

    Returns: validation accuracy in [0, 1] (of a multi-label set the share of rows whose labels are all right, with
        validation micro-F1 besides), parameters, epochs and steps done, the last loss.

    Raises:
        ArtifactError: an input is not sealed, or of another kind.
        InputError: the checkpoint does not fit the tokens, or the loss became NaN.
        OptionError: balanced class_weights of a multi-label set.
    """
    table, origin = expect(tokens, TOKENS), expect(start, CHECKPOINT, digest=config.start_digest)
    train, validation = read_split(tokens, TRAIN), read_split(tokens, VALIDATION)
    weights = _weights(train, table, config)
    with training_run("teacher-train", teacher, config, {"tokens": table, "start": origin}) as run:
        model = start_classifier(start, table)
        objective = label_objective(table, config.label_smoothing, weights)
        state = fit(model, train, objective, config, score_on(validation), "teacher", checkpoints=run.checkpoints)
        measures = training_measures(state, model) | validation_measures(model, validation)
        meaning = {
            "labels": table.meaning["labels"],
            "max_length": table.meaning["max_length"],
            "training": training_facts(state, config),
        }
        run.write(model, tokens, meaning)
    return measures


def _weights(train: TokenTable, tokens: Artifact, config: TeacherTrainConfig) -> Tensor | None:
    if config.class_weights == NONE:
        return None
    if train.multi_label:
        raise OptionError(
            f"class_weights must be {NONE} where rows have several labels, got {config.class_weights!r}; "
            f"leave it out for {tokens.path}"
        )
    return balanced_weights(train, len(tokens.meaning["labels"]))
