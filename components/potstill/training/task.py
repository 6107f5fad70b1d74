"""What depends on whether a row has one label or any number of them: the loss of the labels, and the score."""

from torch import Tensor, nn

from potstill.artifacts import Artifact
from potstill.data.tokens import TokenTable
from potstill.encoder.multi_label import is_multi_label
from potstill.measure.torch_session import predict_torch
from potstill.training.binary_cross_entropy import BinaryCrossEntropy
from potstill.training.cross_entropy import CrossEntropy
from potstill.training.objective import Objective
from potstill.training.scoring import Score, accuracy_on, micro_f1, micro_f1_on, right


def label_objective(tokens: Artifact, smoothing: float = 0.0, weights: Tensor | None = None) -> Objective:
    """Return the loss of the labels alone: cross-entropy, or binary cross-entropy of a multi-label set.

    Args:
        tokens: the token set.
        smoothing: share of each target spread evenly over all labels, or over yes and no, in [0, 1).
        weights: (labels,) how much a row of each label counts; not for a multi-label set.
    """
    return BinaryCrossEntropy(smoothing) if is_multi_label(tokens) else CrossEntropy(smoothing, weights)


def score_on(table: TokenTable) -> Score:
    """Return what chooses the best epoch: accuracy, or micro-F1 on a multi-label table.

    That every label of a row is right is rare where there are many, and says little of how near a model is.
    """
    return micro_f1_on(table) if table.multi_label else accuracy_on(table)


def validation_measures(model: nn.Module, table: TokenTable) -> dict[str, float]:
    """Give the figures of a model on the validation split, in [0, 1].

    Returns: validation_accuracy; with validation_micro_f1 of a multi-label table, where accuracy is the share of rows
        whose labels are all right.
    """
    logits = predict_torch(model, table)
    found = {"validation_accuracy": float(right(logits, table).mean())}
    return found | ({"validation_micro_f1": micro_f1(logits, table)} if table.multi_label else {})
