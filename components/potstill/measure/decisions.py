"""From logits to labels, and where two sets of decisions are the same: one rule wherever labels are compared."""

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int64]


def decide(logits: npt.NDArray[np.float32], *, multi_label: bool) -> Labels:
    """Choose the labels that logits stand for.

    Args:
        logits: (rows, labels).
        multi_label: whether each label is a yes or no of its own.

    Returns: (rows,) the most probable label; or (rows, labels), 1 where the label's probability is above one half.
    """
    return (logits > 0).astype(np.int64) if multi_label else np.asarray(logits.argmax(1), dtype=np.int64)


def equal_rows(one: Labels, other: Labels) -> npt.NDArray[np.bool_]:
    """Tell for each row whether both chose the same label, or exactly the same labels.

    Args:
        one: (rows,) or (rows, labels), as `decide` gives them.
        other: likewise.

    Returns: (rows,) bool.
    """
    equal = np.asarray(one == other)
    return np.asarray(equal.all(axis=1)) if equal.ndim == 2 else equal
