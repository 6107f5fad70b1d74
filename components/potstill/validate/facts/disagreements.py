"""Where each model is wrong and the reference was right: the rows that hurt most, with their texts."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from potstill.validate.inputs import TestRows
from potstill.validate.measured.evaluation import Result

SHOWN = 12  # rows of a model
LONGEST = 400  # characters of a text that are told


def worst_disagreements(
    rows: TestRows, found: Mapping[str, Result], reference: str, labels: list[str]
) -> dict[str, list[dict[str, Any]]]:
    """Find, for every model but the reference, the rows where the reference was surest of a truth that it missed.

    Args:
        rows: the test rows.
        found: what every model gave, by name.
        reference: the model that the others are compared with.
        labels: names.

    Returns: JSON values by model: row id, text (its first LONGEST characters), names of the true label, of the
        reference's and of the model's, and the probability that each gave its own, in [0, 1].
    """
    known = found[reference]
    return {name: _worst(rows, known, each, labels) for name, each in found.items() if name != reference}


def _worst(rows: TestRows, known: Result, judged: Result, labels: list[str]) -> list[dict[str, Any]]:
    truth, sure = rows.table.labels, known.probabilities.max(axis=1)
    wrong = np.flatnonzero((judged.predicted != truth) & (known.predicted == truth))
    worst = wrong[np.argsort(-sure[wrong], kind="stable")][:SHOWN]
    return [
        {
            "row_id": rows.row_ids[row],
            "text": rows.texts[row][:LONGEST],
            "truth": labels[truth[row]],
            "reference": labels[known.predicted[row]],
            "reference_probability": float(sure[row]),
            "predicted": labels[judged.predicted[row]],
            "probability": float(judged.probabilities[row].max()),
        }
        for row in worst
    ]
