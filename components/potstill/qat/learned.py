"""Scales that are trained together with the weights.

Source: LSQ, arXiv:1902.08153; that the logarithm is trained: arXiv:1903.08066.
"""

import math

import torch
from torch import Tensor, nn

from potstill.encoder.quantization import INT8, UINT8, exact_in_float16, input_scale
from potstill.qat.rounding import round_input

GAIN = 300.0
"""How much faster a scale's logarithm moves than a weight does: about GAIN · learning_rate in a step of AdamW.

At a learning rate of 5e-5 that is 1.5 %. Of 10, 100, 300 and 1000, answers stayed nearest the teacher's with 300, and
with 1000 scales swing (the demo's student, 63 steps of 64 of its headlines; ranges as seen, and three times as wide).
"""


def lsq(values: Tensor, step: Tensor, ends: tuple[int, int]) -> Tensor:
    """Round values to multiples of a step, so that both get a gradient.

    For a value v between the ends and a step s the rounded value's gradient is 1 for v and round(v/s) - v/s for s;
    beyond an end it is 0 for v and the end for s.

    Args:
        values: (…, n) float32.
        step: () of all of them, or (rows,) of (rows, n); above 0.
        ends: the least and the greatest multiple.

    Source: arXiv:1902.08153, equations 1 to 3 and 5.
    """
    wide = step[:, None] if step.ndim else step
    steps = torch.clamp(values / wide, *ends)
    return (torch.round(steps).detach() + (steps - steps.detach())) * wide


class LearnedScale(nn.Module):
    """A scale whose logarithm is trained, so that it stays above 0: start · exp(GAIN · growth).

    `growth` begins at 0. It is a scalar or a vector, which weight decay leaves alone.
    """

    start: Tensor

    def __init__(self, start: Tensor, values: int, greatest: int) -> None:
        """Begin at a scale.

        Args:
            start: () or (rows,) float32, above 0.
            values: how many each scale is of; of an input, those of one token, so that its gradient does not depend on
                how a batch is parted.
            greatest: what they are rounded to at most, as a number of steps.
        """
        super().__init__()
        self.observing = False
        self.share = 1 / math.sqrt(values * greatest)  # the gradient scale of LSQ, section 2.2
        self.register_buffer("start", start)
        self.growth = nn.Parameter(torch.zeros_like(start))

    def forward(self, which: Tensor | None = None) -> Tensor:
        """Return the scale, float32, with a gradient while observing; which: (n,) int64, those of some rows alone."""
        start, growth = self.start, self.growth if self.observing else self.growth.detach()
        if which is not None:
            start, growth = start[which], growth[which]
        scale = start * torch.exp(GAIN * growth)
        return self.exact(scale.detach()) + self.share * (scale - scale.detach())

    def exact(self, scale: Tensor) -> Tensor:
        """Return what a scale is stored as."""
        return scale


class LearnedRows(LearnedScale):
    """The scales of a weight's rows; exact in float16, as `weight_scale` is."""

    def __init__(self, start: Tensor, columns: int) -> None:
        """Begin at `start`, (rows,) float32."""
        super().__init__(start, columns, INT8[1])

    def exact(self, scale: Tensor) -> Tensor:
        """Round to float16."""
        return exact_in_float16(scale)


class LearnedInput(nn.Module):
    """Rounds an input to 256 steps of a size that is trained; the zero point stays as calibrated."""

    zero_point: Tensor

    def __init__(self, low: float, high: float, columns: int) -> None:
        """Begin with the range from `low` to `high`; columns: how many values a token has."""
        super().__init__()
        scale, zero = input_scale(low, high)
        self.step = LearnedScale(torch.tensor(scale), columns, UINT8[1])
        self.register_buffer("zero_point", torch.tensor(zero, dtype=torch.int32))

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden: (…, in) float32 → (…, in) float32."""
        if not self.step.observing:
            return round_input(hidden, *self.scale())
        zero = int(self.zero_point)
        return lsq(hidden, self.step(), (UINT8[0] - zero, UINT8[1] - zero))

    def scale(self) -> tuple[float, int]:
        """Scale and zero point as they stand now."""
        return float(self.step().detach()), int(self.zero_point)
