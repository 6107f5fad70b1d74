"""Predicting a long table in chunks: with progress, and on several threads where the model may be called from each."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from potstill.data.tokens import TokenTable, batches_of
from potstill.progress import progress

Logits = npt.NDArray[np.float32]


def predict_in_chunks(
    predict: Callable[[TokenTable], Logits], table: TokenTable, rows: int, workers: int, what: str
) -> Logits:
    """Predict a table chunk by chunk; the result does not depend on the number of workers.

    Args:
        predict: gives (rows, labels) logits of a table; called from `workers` threads at once.
        table: at least one row.
        rows: rows of a chunk.
        workers: threads, at least 1.
        what: what the progress line says.

    Returns: (rows, labels) float32, in the table's order.
    """
    chunks = [table.take(np.arange(part.start, part.stop)) for part in batches_of(len(table), rows)]
    with ThreadPoolExecutor(workers) as pool:
        return np.concatenate(list(progress(pool.map(predict, chunks), what, total=len(chunks), unit="chunk")))
