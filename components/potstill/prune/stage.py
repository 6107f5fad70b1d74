"""The stage: a student in, a smaller one out, by rounds of cutting and recovery."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field
from torch import Tensor
from transformers import PreTrainedModel

from potstill.artifacts import CHECKPOINT, TOKENS, expect
from potstill.data.batches import by_length, pad
from potstill.data.tokens import TRAIN, VALIDATION, TokenTable, read_split
from potstill.encoder.checkpoint import load_classifier, parameter_count
from potstill.encoder.multi_label import refuse_multi_label
from potstill.encoder.pruned import MODEL_TYPE
from potstill.encoder.quantization import is_quantized
from potstill.errors import InputError
from potstill.measure.measures import Measures
from potstill.options import SEEDS, options
from potstill.prune.importance import taylor_importance
from potstill.prune.selection import cubic, select
from potstill.prune.surgery import cut
from potstill.training.answers import teacher_answers
from potstill.training.cross_entropy import CrossEntropy
from potstill.training.distillation import Distillation, from_answers
from potstill.training.loop import fit
from potstill.training.objective import to_inputs
from potstill.training.options import TrainingOptions
from potstill.training.rows import rows_to_learn
from potstill.training.run import TrainingRun, training_run
from potstill.training.scoring import accuracy, accuracy_on


@options
class PruneConfig(TrainingOptions):
    """How much is removed, in how many rounds, and where to stop."""

    epochs: Annotated[int, Field(ge=0)] = 1
    """Passes over the recovery rows after each round."""
    batch_size: Annotated[int, Field(ge=1)] = 64
    """Rows per optimiser step."""
    head_sparsity: Annotated[float, Field(ge=0, lt=1)] = 0.25
    """Share of all attention heads to remove; each layer keeps at least one."""
    ffn_sparsity: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of all FFN neurons to remove."""
    rounds: Annotated[int, Field(ge=1)] = 3
    """Rounds of cutting and recovery on the way to the target, on a cubic schedule."""
    max_accuracy_drop: Annotated[float, Field(ge=0, le=100)] = 2.0
    """The floor: points of validation accuracy that may be lost; a round that loses more is undone."""
    multiple: Annotated[int, Field(ge=1)] = 8
    """FFN neurons of each layer are rounded to a multiple of this, which matrix kernels like."""
    importance_rows: Annotated[int, Field(ge=1)] = 1024
    """Labelled rows on which importance is measured."""
    recovery_rows: Annotated[int, Field(ge=0)] = 0
    """Rows (labelled and unlabelled) to recover on; 0: all."""
    temperature: Annotated[float, Field(gt=0)] = 2.0
    """Softens both distributions in the recovery's distillation."""


@dataclass(frozen=True)
class Round:
    """What one round left."""

    round: int
    heads: list[int]
    neurons: list[int]
    parameters: int
    validation_accuracy: float


def prune_checkpoint(student: Path, tokens: Path, pruned: Path, config: PruneConfig) -> Measures:
    """Make a model truly smaller: fewer heads and FFN neurons, not masks, and stop before it hurts.

    Each round measures the importance of what is left (first-order Taylor on the labels), removes the globally least
    important, and recovers by distillation from the unpruned model. A round that ends below the floor is undone, and
    the stage ends there.

    Args:
        student: `checkpoint/v1` of a BERT-shaped classifier.
        tokens: `tokens/v1`; `train` gives importance, `train` and `unlabelled` recovery, `validation` the floor.
        pruned: where the smaller `checkpoint/v1` is written. It opens with `from_pretrained`; when its layers differ,
            after `import potstill.encoder.pruned`.
        config: the options.

    Returns: validation accuracy before and after in [0, 1], parameters before and after, heads, neurons, rounds kept,
        whether the target was reached (1) or the floor stopped it (0).

    Raises:
        ArtifactError: an input is not sealed, or of another kind.
        InputError: the model is not BERT-shaped, already quantised, or multi-label.
    """
    start, table = expect(student, CHECKPOINT), expect(tokens, TOKENS)
    refuse_multi_label("prune", start, table)
    with training_run("prune", pruned, config, {"student": start, "tokens": table}) as run:
        model = _load(student)
        before = parameter_count(model)
        validation = read_split(tokens, VALIDATION)
        first = accuracy(model, validation)
        model, rounds, reached = _shrink(model, tokens, validation, first, run)
        meaning = {
            "labels": start.meaning["labels"],
            "max_length": start.meaning["max_length"],
            "start_validation_accuracy": first,
            "rounds": [vars(each) for each in rounds],
            "stopped": "target" if reached else "floor",
        }
        run.write(model, student, meaning)
    return {
        "start_validation_accuracy": first,
        "validation_accuracy": rounds[-1].validation_accuracy if rounds else first,
        "start_parameters": float(before),
        "parameters": float(parameter_count(model)),
        "heads": float(sum(_heads(model))),
        "neurons": float(sum(_neurons(model))),
        "rounds": float(len(rounds)),
        "target_reached": float(reached),
    }


def _load(student: Path) -> PreTrainedModel:
    model = load_classifier(student)
    if model.config.model_type not in ("bert", MODEL_TYPE):
        raise InputError(f"prune reads BERT-shaped encoders, {student} is {model.config.model_type}")
    if is_quantized(student):
        raise InputError(f"{student} is quantised; prune first, then run qat")
    return model


def _shrink(
    model: PreTrainedModel, tokens: Path, validation: TokenTable, first: float, run: TrainingRun[PruneConfig]
) -> tuple[PreTrainedModel, list[Round], bool]:
    """Run the rounds; → the last model above the floor, the rounds kept, and whether the target was reached."""
    config, train = run.config, read_split(tokens, TRAIN)
    recovery = rows_to_learn(tokens, config.recovery_rows, config.seed)
    answers = teacher_answers(model, recovery, config, "unpruned answers")
    objective = Distillation(from_answers(answers, config.temperature))
    all_heads, all_neurons = sum(_heads(model)), sum(_neurons(model))
    rounds: list[Round] = []
    for number in range(1, config.rounds + 1):
        keep_heads = round(all_heads * (1 - cubic(number, config.rounds, config.head_sparsity)))
        keep_neurons = round(all_neurons * (1 - cubic(number, config.rounds, config.ffn_sparsity)))
        smaller = cut(model, *_choose(model, train, keep_heads, keep_neurons, config))
        # Every round begins its own warm-up and decay; the rows come in another order.
        options = replace(config, seed=(config.seed + number) % SEEDS, patience=0)
        what = f"recovery, round {number}/{config.rounds}"
        state = fit(smaller, recovery, objective, options, accuracy_on(validation), what, checkpoints=run.checkpoints)
        score = state.best_score if state.scores else accuracy(smaller, validation)
        if score < first - config.max_accuracy_drop / 100:
            return model, rounds, False
        model = smaller
        rounds.append(Round(number, _heads(model), _neurons(model), parameter_count(model), score))
    return model, rounds, True


def _choose(
    model: PreTrainedModel, train: TokenTable, keep_heads: int, keep_neurons: int, config: PruneConfig
) -> tuple[list[Tensor], list[Tensor]]:
    table = train.take(np.arange(min(config.importance_rows, len(train))))
    device = next(model.parameters()).device
    batches = (to_inputs(pad(table, rows), device) for rows in by_length(table, config.batch_size))
    heads, neurons = taylor_importance(model, batches, CrossEntropy())
    return select(heads, keep_heads), select(neurons, keep_neurons, config.multiple)


def _heads(model: PreTrainedModel) -> list[int]:
    return [layer.attention.self.num_attention_heads for layer in model.bert.encoder.layer]


def _neurons(model: PreTrainedModel) -> list[int]:
    return [layer.intermediate.dense.out_features for layer in model.bert.encoder.layer]
