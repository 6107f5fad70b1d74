"""Counts over all values of a tensor: the greatest magnitude, those that few values exceed, what falls on each step.

Values that are exactly 0 are left out of the quantiles: every quantiser holds them exactly, and after ReLU they are
most of the values.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from potstill.qat.audit.record import STEPS

MANTISSA, KEPT = 23, 8  # bits of a float32, and those of them that tell bins apart: 256 bins from 1 to 2, 2 to 4, …
BINS = 1 << (8 + KEPT)


class Magnitudes:
    """How many values have which magnitude, in bins as fine everywhere: quantiles come out within 1/128.

    Attributes:
        greatest: max |x| so far, exact; NaN where any was.
    """

    def __init__(self) -> None:
        self.greatest = 0.0
        self._counts: npt.NDArray[np.int64] = np.zeros(BINS, np.int64)

    def add(self, values: Tensor) -> None:
        """Count one more batch, (…) float32."""
        magnitudes = values.abs().flatten()
        self.greatest = float(magnitudes.max().clamp_min(self.greatest))
        # A positive float's bits, read as an integer, are in its order.
        bins = magnitudes.view(torch.int32) >> (MANTISSA - KEPT)
        self._counts += torch.bincount(bins, minlength=BINS).cpu().numpy()

    def quantile(self, share: float) -> float:
        """The magnitude that so great a share of the values that are not 0 do not exceed; 0 where all are."""
        counts = self._counts[1:].cumsum()
        if not counts[-1]:
            return 0.0
        place = 1 + int(np.searchsorted(counts, share * counts[-1]))
        end = np.array([(place + 1) << (MANTISSA - KEPT)], np.int32).view(np.float32)[0]
        return min(float(end), self.greatest)


class Steps:
    """How many values fall on each of a quantiser's steps, and how many it clips. Exact.

    Attributes:
        low: the least value that it represents.
        high: the greatest.
    """

    def __init__(self, scale: float, zero_point: int) -> None:
        """Prepare for a uint8 quantiser."""
        # As torch's fake quantisation has it: times the inverse in float32, half to even.
        self._inverse, self._zero = float(np.float32(1) / np.float32(scale)), zero_point
        self.low, self.high = -zero_point * scale, (STEPS - 1 - zero_point) * scale
        self._counts: npt.NDArray[np.int64] = np.zeros(STEPS + 2, np.int64)  # below, on each step, above

    def add(self, values: Tensor) -> None:
        """Count one more batch, (…) float32."""
        self._counts += torch.bincount(self._steps(values.flatten()), minlength=STEPS + 2).cpu().numpy()

    @property
    def clipped(self) -> float:
        """Share of the values in [0, 1] that lie beyond the first or the last step."""
        return float((self._counts[0] + self._counts[-1]) / self._counts.sum())

    def used(self, magnitude: float) -> int:
        """How many steps the values up to a magnitude use."""
        first, last = self._steps(torch.tensor([-magnitude, magnitude])).clamp(1, STEPS).tolist()
        counts = self._counts[1:-1].copy()
        counts[[0, -1]] += self._counts[[0, -1]]
        return int(np.count_nonzero(counts[first - 1 : last]))

    def _steps(self, values: Tensor) -> Tensor:
        """(values,) float32 → int32: 0 below the first step, 1 to STEPS on one, STEPS + 1 above the last."""
        return (torch.round(values * self._inverse) + (self._zero + 1)).clamp(0, STEPS + 1).int()
