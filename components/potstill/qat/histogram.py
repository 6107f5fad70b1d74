"""What the values of one tensor are summed up to, batch after batch: extremes of its channels, and a histogram."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

BINS = 2048  # 8 to each of the 256 steps of a range that leaves nothing out; TensorRT's and PyTorch's number


@dataclass
class Extremes:
    """Least and greatest value of each channel.

    Attributes:
        low: (in,) float32.
        high: (in,) float32.
    """

    low: Tensor
    high: Tensor

    @property
    def range(self) -> tuple[float, float]:
        """Least and greatest value of all channels, and 0 between them."""
        return min(float(self.low.min()), 0.0), max(float(self.high.max()), 0.0)

    @property
    def magnitudes(self) -> Tensor:
        """(in,) float32 on the CPU, greatest |value|."""
        return torch.maximum(-self.low, self.high).cpu()

    def finite(self) -> bool:
        """Tell whether every value was a number."""
        return bool((self.low.isfinite() & self.high.isfinite()).all())


class Histogram:
    """How many values are in each bin of a range that holds them all."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high, self.zeros = low, high, 0
        self.counts = np.zeros(BINS, np.int64)

    def add(self, hidden: Tensor) -> None:
        """Count the values of one more batch."""
        values = hidden.cpu().numpy().ravel()
        self.zeros += values.size - int(np.count_nonzero(values))
        if self.low == self.high:
            self.counts[0] += values.size
        else:  # of float64 edges, for between float32 edges a narrow range's bins vanish
            self.counts += np.histogram(values, BINS, (np.float64(self.low), np.float64(self.high)))[0]
