"""The control: the same student on the labels alone, and what distillation gained over it."""

from collections.abc import Callable
from typing import Any

from sklearn.metrics import f1_score
from transformers import PreTrainedModel

from potstill.artifacts import Artifact
from potstill.data.tokens import TEST, TRAIN, VALIDATION, read_split
from potstill.measure.intervals import paired_bootstrap
from potstill.measure.torch_session import predict_torch
from potstill.training.loop import fit
from potstill.training.options import TrainingOptions
from potstill.training.resume import Checkpoints
from potstill.training.scoring import chosen, right
from potstill.training.task import label_objective, score_on


def compare_with_control(
    student: PreTrainedModel,
    build: Callable[[], PreTrainedModel],
    tokens: Artifact,
    config: TrainingOptions,
    steps: int,
    checkpoints: Checkpoints | None = None,
) -> dict[str, Any]:
    """Train the control, and compare the student with it on the whole test split.

    Args:
        student: as distilled.
        build: makes the student again, with the weights it began with.
        tokens: the token set.
        config: the student's options.
        steps: optimiser steps that the student took; the control takes at most as many.
        checkpoints: where the control's state is kept; None: nowhere.

    Returns: the control's figures; `gain` is the student's test accuracy minus the control's, `gain_low` and
        `gain_high` its 95 % paired bootstrap interval.
    """
    train, validation, test = (read_split(tokens.path, split) for split in (TRAIN, VALIDATION, TEST))
    control = build()
    objective = label_objective(tokens)
    state = fit(control, train, objective, config, score_on(validation), "control", steps, checkpoints)
    predicted = predict_torch(control, test)
    own, without = right(predict_torch(student, test), test), right(predicted, test)
    low, high = paired_bootstrap(own, without, seed=config.seed)
    return {
        "validation_accuracy": float(right(predict_torch(control, validation), validation).mean()),
        "test_accuracy": float(without.mean()),
        "test_macro_f1": float(f1_score(test.labels, chosen(predicted, test), average="macro", zero_division=0)),
        "gain": float(own.mean() - without.mean()),
        "gain_low": low,
        "gain_high": high,
        "labelled_rows": len(train),
        "steps": state.step,
    }
