"""Which split a text belongs to, decided by its position alone.

Positions from the bottom are the test split, then validation, the rest is for training. Of the rest, the first
`labelled_rows` keep their labels (train); the labels of the next are thrown away (unlabelled), as when few labels and
much text are at hand.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from potstill.data.table_columns import LABEL
from potstill.data.tokens import SPLITS, TEST, TRAIN, UNLABELLED, VALIDATION
from potstill.tokenize.arrangement import POSITION
from potstill.tokenize.identity import threshold


@dataclass(frozen=True)
class Shares:
    """How rows are divided.

    Attributes:
        test: share of all labelled texts, in [0, 1).
        validation: share of what is left, in [0, 1).
        labelled_rows: most rows that train keeps; 0 for all.
        unlabelled_rows: most rows of the unlabelled split; 0 for all.
    """

    test: float
    validation: float
    labelled_rows: int = 0
    unlabelled_rows: int = 0


@dataclass
class Splitter:
    """Divides tables that come sorted by position, one after the other.

    Attributes:
        rows: rows given to each split so far.
    """

    shares: Shares
    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SPLITS, 0))

    def divide(self, table: pa.Table) -> dict[str, pa.Table]:
        """Return each split's rows of this table; rows beyond the wanted numbers are in none."""
        places = table[POSITION].to_numpy()
        labelled = pc.is_valid(table[LABEL]).to_numpy()
        first, second = self._borders()
        rest = labelled & (places >= second)
        train = rest & self._first(rest, TRAIN, self.shares.labelled_rows)
        spare = ~labelled | (rest & ~train)
        masks = {
            TRAIN: train,
            VALIDATION: labelled & (places >= first) & (places < second),
            TEST: labelled & (places < first),
            UNLABELLED: spare & self._first(spare, UNLABELLED, self.shares.unlabelled_rows),
        }
        parts = {split: table.filter(pa.array(mask)) for split, mask in masks.items()}
        for split, part in parts.items():
            self.rows[split] += len(part)
        return parts

    def _borders(self) -> tuple[np.uint64, np.uint64]:
        """Positions where validation begins, and where training begins."""
        both = self.shares.test + self.shares.validation * (1 - self.shares.test)
        return np.uint64(threshold(self.shares.test)), np.uint64(threshold(both))

    def _first(self, mask: npt.NDArray[np.bool_], split: str, most: int) -> npt.NDArray[np.bool_]:
        """Mark the rows of the mask that a split still has room for; `most` 0: for all."""
        return np.cumsum(mask) <= (most - self.rows[split]) if most else np.ones_like(mask)
