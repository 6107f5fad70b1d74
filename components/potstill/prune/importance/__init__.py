"""What says which heads, FFN neurons, layers and hidden channels a model can spare."""

import copy
from collections.abc import Callable

from transformers import PreTrainedModel

from potstill.data.tokens import TokenTable
from potstill.prune.importance.chance import random_importance
from potstill.prune.importance.comparable import Importance, refuse_no_numbers
from potstill.prune.importance.hidden import hidden_importance
from potstill.prune.importance.layers import layer_importance
from potstill.prune.importance.magnitude import l1_importance, l2_importance
from potstill.prune.importance.movement import movement_importance
from potstill.prune.importance.rows import measured, own_batches
from potstill.prune.importance.taylor import taylor_importance
from potstill.training.objective import Objective
from potstill.training.options import TrainingOptions
from potstill.training.resume import Checkpoints

__all__ = [
    "NAMES",
    "hidden_importance",
    "importance_of",
    "l1_importance",
    "l2_importance",
    "layer_importance",
    "movement_importance",
    "random_importance",
    "taylor_importance",
]

NAMES = ("taylor", "movement", "l1", "l2", "random")


def importance_of(
    name: str,
    model: PreTrainedModel,
    table: TokenTable,
    objective_factory: Callable[[], Objective],
    options: TrainingOptions,
    checkpoints: Checkpoints,
    seed: int,
    what: str,
) -> Importance:
    """Weigh every head and every FFN neuron by the measure of this name; all processes get the same.

    Args:
        name: one of NAMES. taylor and movement read the rows, l1, l2 and random do not.
        model: a BERT or MobileBERT classifier, pruned or not, on the CPU; its weights stay as they are.
        table: the rows.
        objective_factory: makes the loss; a training may move it.
        options: give the batch size; for movement everything of its training but epochs, patience, ema and seed.
        checkpoints: where movement keeps its training; the others begin no phase.
        seed: of the draw; in movement of row order and dropout.
        what: what the progress line says, and the name of movement's phase.

    Returns: per attention, (heads,), and per feed-forward network, (neurons,) float32 on the CPU, in the order of
        `structure`. A MobileBERT has no heads that can be cut, and so an empty list of them.

    Raises:
        InputError: a number of them is NaN or infinite, or movement's training diverged.
        SystemExit: movement's training was asked to end, and its state is kept.
    """

    def taylor() -> Importance:
        objective = objective_factory()
        with measured(model, objective) as device:
            return taylor_importance(model, own_batches(table, options.batch_size, device, what), objective)

    def movement() -> Importance:
        return movement_importance(copy.deepcopy(model), table, objective_factory(), options, checkpoints, seed, what)

    measures: dict[str, Callable[[], Importance]] = {
        "taylor": taylor,
        "movement": movement,
        "l1": lambda: l1_importance(model),
        "l2": lambda: l2_importance(model),
        "random": lambda: random_importance(model, seed),
    }
    heads, neurons = measures[name]()
    refuse_no_numbers(name, [*heads, *neurons])
    return heads, neurons
