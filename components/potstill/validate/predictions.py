"""Row by row: what every model predicted, and where the final model lost what the teacher knew."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from potstill.validate.inputs import TestRows
from potstill.validate.results import Result


def write_predictions(path: Path, rows: TestRows, results: Sequence[Result]) -> None:
    """Write `row_id`, `label`, and of each model its predicted label and that label's probability."""
    columns: dict[str, Any] = {"row_id": rows.row_ids, "label": rows.table.labels.astype(np.int32)}
    for each in results:
        columns[each.name] = each.predicted.astype(np.int32)
        columns[f"{each.name}_probability"] = each.probabilities.max(axis=1).astype(np.float32)
    pq.write_table(pa.table(columns), path)


def worst_disagreements(
    rows: TestRows, results: Sequence[Result], summary: Mapping[str, Any], count: int = 12
) -> list[dict[str, Any]]:
    """Find the rows that hurt most: the final model is wrong where the teacher, most surely, was right.

    Without a teacher the PyTorch model that the final one was made from takes its place.

    Args:
        rows: the test rows.
        results: what every model gave.
        summary: the summary, for label names and the name of the final model.
        count: how many rows, at most.

    Returns: text, names of the true and of the predicted label, probability of each model's prediction, in [0, 1]; the
        reference's surest row first.
    """
    found, labels = {each.name: each for each in results}, summary["labels"]
    final = found[summary["final"]]
    reference = found.get("teacher") or found.get(final.source, final)
    truth, sure = rows.table.labels, reference.probabilities.max(axis=1)
    wrong = np.flatnonzero((final.predicted != truth) & (reference.predicted == truth))
    worst = wrong[np.argsort(-sure[wrong], kind="stable")][:count]
    return [
        {
            "text": rows.texts[row],
            "truth": labels[truth[row]],
            "reference_probability": float(sure[row]),
            "final": labels[final.predicted[row]],
            "final_probability": float(final.probabilities[row].max()),
        }
        for row in worst
    ]
