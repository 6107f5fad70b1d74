"""How well labels are predicted: accuracy, macro-F1, each class, the confusion matrix, agreement of two models."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from potstill.measure.intervals import wilson

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ClassQuality:
    """One class: precision, recall and F1 in [0, 1] (0 where nothing was predicted or is there), rows of the class."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Quality:
    """A model on a labelled split.

    Attributes:
        accuracy: share of rows predicted rightly, in [0, 1].
        accuracy_low: lower end of its 95 % Wilson interval.
        accuracy_high: upper end.
        macro_f1: mean F1 of the classes that occur among the truths or the predictions, in [0, 1].
        weighted_f1: mean F1 of the classes, each by its number of rows, in [0, 1].
        per_class: one entry per label, in label order.
        confusion: confusion[truth][predicted] = rows.
    """

    accuracy: float
    accuracy_low: float
    accuracy_high: float
    macro_f1: float
    weighted_f1: float
    per_class: tuple[ClassQuality, ...]
    confusion: tuple[tuple[int, ...], ...]


def judge_quality(truth: Labels, predicted: Labels, names: list[str]) -> Quality:
    """Compare predictions with the truth.

    Args:
        truth: (rows,) labels in [0, len(names)).
        predicted: (rows,) labels in [0, len(names)).
        names: label names, in label order.
    """
    matrix = confusion_matrix(truth, predicted, labels=range(len(names)))
    right = int(np.trace(matrix))
    low, high = wilson(right, len(truth))
    columns = precision_recall_fscore_support(truth, predicted, labels=range(len(names)), zero_division=0)
    per_class = tuple(
        ClassQuality(name, float(precision), float(recall), float(f1), int(support))
        for name, precision, recall, f1, support in zip(names, *columns, strict=True)
    )
    occurring = matrix.sum(0) + matrix.sum(1) > 0
    macro_f1 = float(np.mean(columns[2][occurring]))
    weighted_f1 = float(np.average(columns[2], weights=columns[3]))
    confusion = tuple(tuple(int(count) for count in row) for row in matrix)
    return Quality(right / len(truth), low, high, macro_f1, weighted_f1, per_class, confusion)


def agreement(one: Labels, other: Labels) -> float:
    """Share of rows on which two models predict the same label, in [0, 1]; right or wrong does not matter."""
    return float((one == other).mean())


def softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Probabilities of logits: (rows, labels) → (rows, labels), each row summing to 1."""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
