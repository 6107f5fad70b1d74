"""Stacking: the weights with which several teachers, added, predict the validation labels best."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from potstill.data.tokens import NO_LABEL
from potstill.errors import InputError

Array = npt.NDArray[np.float64]
PRECISION = 1e-10  # of the loss, in nats a row


def stacking_weights(logits: Array, labels: npt.NDArray[np.int64]) -> Array:
    """Find the convex weights whose weighted sum of logits has the least cross-entropy on labelled rows.

    The loss is convex in the weights, so there is one best value, and no split of the validation rows is needed for
    one number a teacher.

    Args:
        logits: (members, rows, labels).
        labels: (rows,) int64, NO_LABEL where there is none; or (rows, labels) of 0 and 1, each a yes or no of its own.

    Returns: (members,) each at least 0, sum 1.

    Raises:
        InputError: no row has a label.

    Source: Wolpert 1992 (stacked generalization), Breiman 1996 (stacked regressions: weights not negative).
    """
    labelled = (labels != NO_LABEL) if labels.ndim == 1 else (labels != NO_LABEL).all(axis=1)
    if not labelled.any():
        raise InputError("no validation row has a label to find weights by; pass --weighting average")
    members, known = logits[:, labelled], labels[labelled]
    multi_label, targets = labels.ndim == 2, known if labels.ndim == 2 else np.eye(logits.shape[2])[known]

    def loss(weights: Array) -> tuple[float, Array]:
        return combined_loss(members, targets, weights, multi_label=multi_label)

    average = np.full(len(logits), 1 / len(logits))
    found = minimize(
        loss,
        average,
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * len(logits),
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1, "jac": np.ones_like},
        options={"ftol": PRECISION, "maxiter": 1000},
    )
    inside = np.clip(found.x, 0, 1)
    weights: Array = inside / inside.sum()
    return weights if loss(weights)[0] <= loss(average)[0] else average


def combined_loss(logits: Array, targets: Array, weights: Array, *, multi_label: bool) -> tuple[float, Array]:
    """Give the cross-entropy of the weighted sum of logits, mean over rows, and its gradient by the weights.

    Args:
        logits: (members, rows, labels).
        targets: (rows, labels) of 0 and 1.
        weights: (members,).
        multi_label: whether each label is a yes or no of its own; its cross-entropies are then summed over labels.
    """
    together = np.einsum("m,mrl->rl", weights, logits)
    normalisers = np.logaddexp(0, together).sum(1) if multi_label else logsumexp(together, axis=1)
    predicted = np.exp(-np.logaddexp(0, -together)) if multi_label else softmax(together, axis=1)
    loss = float(np.mean(normalisers - (targets * together).sum(1)))
    return loss, np.einsum("mrl,rl->m", logits, predicted - targets) / len(targets)
