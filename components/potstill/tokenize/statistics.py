"""What a person must know of the tokens before training: lengths, truncation, unknown words, balance of the labels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from potstill.vocabulary.encoding import Encoded, Encoder

PERCENTILES = (50, 95, 99)


@dataclass
class SplitStatistics:
    """Sums over one split, filled group by group.

    Attributes:
        labels: names of the labels, by number.
        rows: rows so far.
        truncated: rows that were cut.
        words: tokens that are no special tokens around a text.
        unknown: those of them that are [UNK].
    """

    labels: Sequence[str]
    rows: int = 0
    truncated: int = 0
    words: int = 0
    unknown: int = 0
    _lengths: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    _balance: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def add(self, encoded: Encoded, encoder: Encoder, labels: npt.NDArray[np.int64]) -> None:
        """Count a group of rows; labels: (rows,) numbers of those that have one, in any order."""
        self.rows += len(encoded.lengths)
        self.truncated += int((encoded.whole_lengths > encoded.lengths).sum())
        self.words += len(encoded.ids) - encoder.special_tokens * len(encoded.lengths)
        self.unknown += 0 if encoder.unknown is None else int((encoded.ids == encoder.unknown).sum())
        self._lengths = _sum(self._lengths, np.bincount(encoded.whole_lengths))
        self._balance = _sum(self._balance, np.bincount(labels, minlength=len(self.labels)))

    def summary(self) -> dict[str, Any]:
        """Give the figures by name; lengths are in tokens, special tokens included, before truncation."""
        balance = {name: int(rows) for name, rows in zip(self.labels, self._balance, strict=False) if rows}
        return {
            "rows": self.rows,
            "lengths": {
                "mean": self._mean(),
                **{f"p{each}": self.percentile(each) for each in PERCENTILES},
                "max": self._max(),
            },
            "truncated_share": self.truncated / max(self.rows, 1),
            "unknown_rate": self.unknown / max(self.words, 1),
            "labels": balance,
        }

    def percentile(self, percent: int) -> int:
        """Length that at least `percent` of the rows do not exceed."""
        return int(np.searchsorted(np.cumsum(self._lengths), percent / 100 * self.rows))

    def _mean(self) -> float:
        return float(self._lengths @ np.arange(len(self._lengths))) / max(self.rows, 1)

    def _max(self) -> int:
        return int(np.flatnonzero(self._lengths).max(initial=0))


def _sum(first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Add two histograms of different lengths."""
    total = np.zeros(max(len(first), len(second)), np.int64)
    total[: len(first)] += first
    total[: len(second)] += second
    return total
