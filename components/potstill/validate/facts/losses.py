"""What each model lost against the reference: counted row by row, with how sure that is."""

from typing import Any

import numpy as np
import numpy.typing as npt

from potstill.measure.intervals import paired_bootstrap
from potstill.measure.non_inferiority import loss_at_most, mcnemar_p

Labels = npt.NDArray[np.int64]


def loss_against(reference: Labels, predicted: Labels, truth: Labels, labels: list[str]) -> dict[str, Any]:
    """Count the rows that one model got wrong and the reference right, and the other way round.

    Args:
        reference: (rows,) labels that the reference predicted.
        predicted: (rows,) labels that the model predicted.
        truth: (rows,) true labels in [0, labels).
        labels: their names.

    Returns: JSON values: `lost_rows`, `gained_rows`, `rows`; `lost`, the share of rows that it lost on balance, with
        its 95 % bootstrap interval `low` to `high`; `at_most`, the exact one-sided 95 % bound; `mcnemar_p`, of the
        hypothesis that both are right equally often, exact and two-sided; `classes`, the counts of each true class.
    """
    before, after = reference == truth, predicted == truth
    worse, better, rows = before & ~after, after & ~before, len(truth)
    lost, gained = int(worse.sum()), int(better.sum())
    low, high = paired_bootstrap(before, after)
    return {
        "lost_rows": lost,
        "gained_rows": gained,
        "rows": rows,
        "lost": (lost - gained) / rows,
        "low": low,
        "high": high,
        "mcnemar_p": mcnemar_p(lost, gained),
        "at_most": loss_at_most(lost, gained, rows),
        "classes": [
            {
                "label": name,
                "rows": int((truth == index).sum()),
                "lost_rows": int(worse[truth == index].sum()),
                "gained_rows": int(better[truth == index].sum()),
            }
            for index, name in enumerate(labels)
        ],
    }
