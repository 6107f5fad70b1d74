"""The two phases of a distillation: what is inside on unlabelled text first (if asked for), then the task."""

from dataclasses import replace

from potstill.artifacts import Artifact
from potstill.data.tokens import TRAIN, VALIDATION, TokenTable, concatenate
from potstill.distill.config import DistillConfig
from potstill.distill.objective import Pair, build_objective
from potstill.errors import InputError
from potstill.training.loop import fit
from potstill.training.resume import Checkpoints
from potstill.training.scoring import nearness_on
from potstill.training.state import TrainingState
from potstill.training.teacher_outputs import TeacherOutputs, read_parts


def train(
    pair: Pair, inputs: dict[str, Artifact], outputs: TeacherOutputs, config: DistillConfig, checkpoints: Checkpoints
) -> list[TrainingState]:
    """Train the student in place; it ends with the weights of the epoch that answers most like the teacher.

    Args:
        pair: student and teacher.
        inputs: the artifacts, by name.
        outputs: what the teacher answers on them.
        config: distill's options.
        checkpoints: where the states are kept.

    Returns: the state at the end of each phase; the last one's is the task.
    """
    parts = read_parts(inputs["tokens"].path, inputs["unlabelled"].path if "unlabelled" in inputs else None)
    validation = parts.pop(VALIDATION)
    phases = [_generalise(pair, parts, outputs, config, checkpoints)] if config.general_epochs else []
    return [*phases, _learn_the_task(pair, parts, validation, outputs, config, checkpoints)]


def _generalise(
    pair: Pair, parts: dict[str, TokenTable], outputs: TeacherOutputs, config: DistillConfig, checkpoints: Checkpoints
) -> TrainingState:
    unlabelled = {part: table for part, table in parts.items() if part != TRAIN}
    if not unlabelled:
        raise InputError(
            "general_epochs needs unlabelled rows, and the tokens have none; "
            "tokenize with --unlabelled-rows, or pass --unlabelled"
        )
    objective = build_objective(config.losses.inside(), pair, outputs.over(list(unlabelled)), outputs.relation_heads)
    options = replace(config, epochs=config.general_epochs)
    table = concatenate(list(unlabelled.values()))
    return fit(pair.student, table, objective, options, None, "general distillation", checkpoints=checkpoints)


def _learn_the_task(
    pair: Pair,
    parts: dict[str, TokenTable],
    validation: TokenTable,
    outputs: TeacherOutputs,
    config: DistillConfig,
    checkpoints: Checkpoints,
) -> TrainingState:
    recipe = config.losses
    objective = build_objective(recipe, pair, outputs.over(list(parts)), outputs.relation_heads)
    answers = outputs.over([VALIDATION]).logits
    nearness = nearness_on(validation, answers, recipe.temperature)
    # Before its last losses set in, a recipe with phases must not be stopped for making no progress.
    options = replace(config, patience=0) if recipe.phased else config
    table = concatenate(list(parts.values()))
    return fit(pair.student, table, objective, options, nearness, "student", checkpoints=checkpoints)
