"""The stage: a teacher and tokens in, a small student that answers like it out."""

from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from potstill.artifacts import Artifact
from potstill.data.tokens import VALIDATION, read_split
from potstill.distill.config import DistillConfig
from potstill.distill.control import compare_with_control
from potstill.distill.inputs import expect_inputs, teacher_answers
from potstill.distill.objective import Pair
from potstill.distill.phases import train
from potstill.encoder.checkpoint import load_classifier, read_config
from potstill.encoder.layer_map import layer_map
from potstill.encoder.multi_label import is_multi_label
from potstill.encoder.students import build_student, student_depth
from potstill.measure.measures import Measures
from potstill.progress import tell
from potstill.training.facts import training_facts, training_measures
from potstill.training.run import training_run
from potstill.training.scoring import agreement_with
from potstill.training.task import validation_measures
from potstill.training.teacher_outputs import TeacherOutputs


def distill_student(
    teacher: Path,
    tokens: Path,
    student: Path,
    config: DistillConfig,
    teacher_outputs: Path | None = None,
    start: Path | None = None,
    unlabelled: Path | None = None,
) -> Measures:
    """Train a small student to answer as the teacher does, on the labelled and all the unlabelled text.

    The teacher answers every row once; what it answers is kept, and the student learns from it in each epoch. A recipe
    says which losses are summed, how much each counts, and when.

    Args:
        teacher: `checkpoint/v1`, fine-tuned on the labels of `tokens`.
        tokens: `tokens/v1`; its `train` and `unlabelled` rows are learned from, `validation` chooses the epoch.
        student: where the student's `checkpoint/v1` is written.
        config: the options.
        teacher_outputs: `teacher-outputs/v1` of this teacher, or of an ensemble, on these tokens (potstill
            teacher-cache makes them); without it they are computed first, and not kept.
        start: `checkpoint/v1` of a small pretrained encoder for the student's first weights.
        unlabelled: `tokens/v1` whose `unlabelled` rows are learned from, too; same tokenizer.

    Returns: validation accuracy and agreement with the teacher in [0, 1], parameters, steps; with `control` also the
        control's validation accuracy, and the gain over it on the test split with its 95 % interval.

    Raises:
        ArtifactError: an input is not sealed, or of another kind.
        InputError: labels, vocabulary or length of the inputs do not fit together, or the outputs are of other tokens.
        OptionError: shape, init, layer_map and losses do not go together.
    """
    inputs = expect_inputs(teacher, tokens, teacher_outputs, start, unlabelled)
    table, recipe = inputs["tokens"], config.losses.written_out()
    tell(f"recipe {config.recipe}: {', '.join(f'{name} {each}' for name, each in recipe.items())}")
    with training_run("distill", student, config, inputs) as run, teacher_answers(inputs, config) as outputs:
        model_teacher = load_classifier(teacher)
        model, mapping = _build(config, model_teacher, table, start)
        pair = Pair(model, model_teacher, mapping, multi_label=is_multi_label(table))
        states = train(pair, inputs, outputs, config, run.checkpoints)
        control: dict[str, Any] = {}
        if config.control:
            control = compare_with_control(
                model,
                lambda: _build(config, model_teacher, table, start)[0],
                table,
                config,
                states[-1].step,
                run.checkpoints,
            )
        meaning = {
            "labels": table.meaning["labels"],
            "max_length": table.meaning["max_length"],
            "layer_map": mapping,
            "recipe": recipe,
            "training": [training_facts(state, config) for state in states],
            **({"control": control} if control else {}),
        }
        run.write(model, tokens, meaning)
        return training_measures(states[-1], model) | _quality(model, outputs, tokens) | _gain(control)


def _build(
    config: DistillConfig, teacher: PreTrainedModel, tokens: Artifact, start: Path | None
) -> tuple[PreTrainedModel, list[int]]:
    depth = student_depth(config.shape, config.custom, read_config(start).num_hidden_layers if start else 0)
    mapping = layer_map(config.layer_map, depth, teacher.config.num_hidden_layers)
    torch.manual_seed(config.seed)  # the control begins from the same weights
    return build_student(config.shape, config.custom, config.init, mapping, teacher, tokens, start), mapping


def _quality(model: PreTrainedModel, outputs: TeacherOutputs, tokens: Path) -> dict[str, float]:
    validation = read_split(tokens, VALIDATION)
    return {
        **validation_measures(model, validation),
        "teacher_agreement": agreement_with(outputs.over([VALIDATION]).logits, model, validation),
    }


def _gain(control: dict[str, Any]) -> dict[str, float]:
    if not control:
        return {}
    return {
        "control_validation_accuracy": control["validation_accuracy"],
        "control_test_accuracy": control["test_accuracy"],
        "gain_over_control": control["gain"],
        "gain_low": control["gain_low"],
        "gain_high": control["gain_high"],
    }
