"""Row by row: what every model predicted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from potstill.validate.inputs import TestRows
from potstill.validate.measured.evaluation import Result


def write_predictions(path: Path, rows: TestRows, results: Sequence[Result]) -> None:
    """Write `row_id`, `label`, and of each model its predicted label and that label's probability."""
    columns: dict[str, Any] = {"row_id": rows.row_ids, "label": rows.table.labels.astype(np.int32)}
    for each in results:
        columns[each.name] = each.predicted.astype(np.int32)
        columns[f"{each.name}_probability"] = each.probabilities.max(axis=1).astype(np.float32)
    pq.write_table(pa.table(columns), path)
