"""The stage: the outputs of several teachers on the same rows in, their weighted sum out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from pydantic import field_validator

from potstill.artifacts import TEACHER_OUTPUTS, TOKENS, expect, seal
from potstill.data.tokens import VALIDATION, TokenTable, read_split
from potstill.measure.measures import Measures
from potstill.options import choose, options
from potstill.output_folder import creating
from potstill.provenance import maker
from potstill.teacher_ensemble.members import expect_members, weighted_teachers
from potstill.teacher_ensemble.stacking import stacking_weights
from potstill.training.scoring import Logits, right
from potstill.training.teacher_outputs import (
    ANSWERED,
    LOGITS,
    Kept,
    TeacherOutputs,
    describe,
    view_parts,
    write_logits,
)

AVERAGE, BY_VALIDATION = "average", "validation"
WEIGHTINGS = (AVERAGE, BY_VALIDATION)


@options
class TeacherEnsembleConfig:
    """How much each teacher counts."""

    weighting: str = AVERAGE
    """average, or validation: the weights with the least cross-entropy on the validation labels."""

    @field_validator("weighting")
    @classmethod
    def _weighting(cls, value: str) -> str:
        return choose("weighting", value, WEIGHTINGS)


def ensemble_outputs(members: tuple[Path, ...], tokens: Path, outputs: Path, config: TeacherEnsembleConfig) -> Measures:
    """Add the logits of several teachers, each times its weight; a student learns from the sum as from one teacher.

    The order in which the members are given does not matter.

    Args:
        members: `teacher-outputs/v1` of two or more teachers, all made on `tokens` and the same further rows.
        tokens: `tokens/v1`; its validation labels judge, and find the weights.
        outputs: where the `teacher-outputs/v1` of the ensemble is written.
        config: the options.

    Returns: rows, bytes, validation accuracy of the ensemble and of its best member in [0, 1].

    Raises:
        ArtifactError: an input is not sealed, or of another kind.
        InputError: fewer than two members, one given twice, members of other rows or labels, or no validation label.
    """
    table = expect(tokens, TOKENS)
    found, validation = expect_members(members, table), read_split(tokens, VALIDATION)
    answers = [member.over([VALIDATION]).logits.numpy() for member in found]
    weights = _weights(answers, validation, config)
    with creating(outputs, TEACHER_OUTPUTS, tokens, *members):
        for part in found[0].parts:
            _write_sum(outputs, part, found, weights)
        reached = _accuracy(view_parts(outputs, [VALIDATION]).logits.numpy(), validation)
        inputs = {"tokens": table, **{f"members[{i}]": each.artifact for i, each in enumerate(found)}}
        first = found[0].artifact.meaning
        meaning = describe(
            {name: first[name] for name in ANSWERED},
            first["parts"],
            Kept((LOGITS,), len(first["labels"])),
            "+".join(sorted({each.artifact.meaning["dtype"] for each in found})),
            weighted_teachers(found, weights),
        )
        sealed = seal(outputs, TEACHER_OUTPUTS, maker("teacher-ensemble", config), inputs, meaning)
    return {
        "rows": float(sum(first["parts"].values())),
        "bytes": float(sealed.bytes),
        "validation_accuracy": reached,
        "best_member_accuracy": max(_accuracy(each, validation) for each in answers),
    }


def _weights(answers: Sequence[Logits], validation: TokenTable, config: TeacherEnsembleConfig) -> list[float]:
    if config.weighting == AVERAGE:
        return [1 / len(answers)] * len(answers)
    found = stacking_weights(np.stack(answers).astype(np.float64), validation.labels)
    return [float(weight) for weight in found]


def _write_sum(outputs: Path, part: str, members: Sequence[TeacherOutputs], weights: Sequence[float]) -> None:
    """Write the weighted sum of one part."""
    views = [member.over([part]) for member in members]
    total = torch.zeros_like(views[0].logits)
    for view, weight in zip(views, weights, strict=True):
        total += weight * view.logits
    write_logits(outputs, part, total.numpy(), views[0].lengths)


def _accuracy(logits: Logits, table: TokenTable) -> float:
    return float(right(logits, table).mean())
