"""What a part of an optimiser step counts for: its share of all the step's rows, labels, tokens or pairs of tokens.

A step's rows may be computed in parts: batch after batch, or by several processes side by side. A part's mean times its
share of what the mean is over, added up over all parts, is the mean over the whole step, and so are the gradients.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from potstill.data.tokens import NO_LABEL


@dataclass(frozen=True)
class Rowset:
    """What there is to count in some rows.

    Attributes:
        labels: (rows,) int64, NO_LABEL where there is none; (rows, labels) of a multi-label set.
        lengths: (rows,) int64 real tokens.
    """

    labels: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Unit:
    """What a loss is a mean over."""

    name: str
    count: Callable[[Rowset], int]

    def __call__(self, rows: Rowset) -> int:
        """Return how many of it there are in some rows."""
        return self.count(rows)


def _labelled(rows: Rowset) -> int:
    known = rows.labels != NO_LABEL
    return int((known.any(axis=1) if known.ndim > 1 else known).sum())


ROWS = Unit("rows", lambda rows: len(rows.lengths))
LABELLED = Unit("labelled rows", _labelled)  # of several labels, one that is known suffices
TOKENS = Unit("tokens", lambda rows: int(rows.lengths.sum()))
PAIRS = Unit("pairs of tokens", lambda rows: int(np.square(rows.lengths).sum()))  # each query with each key of its row


def share_of(part: Rowset, whole: Rowset, unit: Unit) -> float:
    """Return unit(part) / unit(whole), in [0, 1]; 0 where the whole has none of it."""
    return unit(part) / max(unit(whole), 1)
