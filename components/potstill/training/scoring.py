"""Scoring a model on the validation split while it trains: higher is better."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import f1_score
from torch import Tensor, nn

from potstill.data.tokens import TokenTable
from potstill.measure.decisions import Labels, decide, equal_rows
from potstill.measure.torch_session import predict_torch
from potstill.training.losses import soft_labels, soft_multi_labels

Score = Callable[[nn.Module], float]
Logits = npt.NDArray[np.float32]


def accuracy(model: nn.Module, table: TokenTable) -> float:
    """Share of rows whose predicted label is right, in [0, 1]; of a multi-label table, whose labels are all right."""
    return float(right(predict_torch(model, table), table).mean())


def accuracy_on(table: TokenTable) -> Score:
    """Score by accuracy on `table`."""
    return lambda model: accuracy(model, table)


def micro_f1(logits: Logits, table: TokenTable) -> float:
    """F1 over all yes-or-no decisions of a labelled multi-label table together, in [0, 1].

    A label is predicted where its probability is above one half. 1 where no label applies and none is predicted.

    Args:
        logits: (rows, labels).
        table: the rows, every one of them labelled.
    """
    return float(f1_score(table.labels, chosen(logits, table), average="micro", zero_division=1.0))


def micro_f1_on(table: TokenTable) -> Score:
    """Score by micro-F1 on a multi-label `table`."""
    return lambda model: micro_f1(predict_torch(model, table), table)


def chosen(logits: Logits, table: TokenTable) -> Labels:
    """Choose labels in the form of the table's own: (rows,), or (rows, labels) of 0 and 1."""
    return decide(logits, multi_label=table.multi_label)


def right(logits: Logits, table: TokenTable) -> npt.NDArray[np.bool_]:
    """Tell for each row whether its label, or exactly its labels, are predicted: (rows,) bool."""
    return equal_rows(chosen(logits, table), table.labels)


def agreement_with(answers: Tensor, model: nn.Module, table: TokenTable) -> float:
    """Share of rows to which the model gives the same labels as `answers`, right or wrong, in [0, 1].

    Args:
        answers: (rows, labels) the teacher's logits.
        model: the student.
        table: the rows.
    """
    return float(equal_rows(chosen(predict_torch(model, table), table), chosen(answers.numpy(), table)).mean())


def nearness_on(table: TokenTable, answers: Tensor, temperature: float) -> Score:
    """Score by how near the model's answers on `table` are to the teacher's: minus the soft-label loss.

    On a few hundred rows accuracy moves by a point from chance alone, and would choose an epoch by it; this does not.

    Args:
        table: the rows.
        answers: (rows, labels) the teacher's logits.
        temperature: of the soft-label loss.
    """
    divergence = soft_multi_labels if table.multi_label else soft_labels
    return lambda model: -float(divergence(torch.from_numpy(predict_torch(model, table)), answers, temperature))
