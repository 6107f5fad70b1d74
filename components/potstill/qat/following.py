"""A range of an input that follows what is seen."""

import torch
from torch import Tensor, nn

from potstill import processes
from potstill.encoder.quantization import input_scale
from potstill.qat.rounding import round_input

MOMENTUM = 0.05  # of the moving average of an input's range: about the last 20 batches count


class FollowingInput(nn.Module):
    """Rounds an input to 256 steps of a range: the moving average of each batch's least and greatest value.

    Source: arXiv:1712.05877, section 3.1.
    """

    low: Tensor
    high: Tensor

    def __init__(self, low: float, high: float) -> None:
        """Begin with the range from `low` to `high`."""
        super().__init__()
        self.observing = False
        self.register_buffer("low", torch.tensor(low))
        self.register_buffer("high", torch.tensor(high))

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden: (…, in) float32 → (…, in) float32."""
        if self.observing:
            self._follow(hidden.detach())
        return round_input(hidden, *self.scale())

    def scale(self) -> tuple[float, int]:
        """Scale and zero point as they stand now."""
        return input_scale(float(self.low), float(self.high))

    def _follow(self, hidden: Tensor) -> None:
        least, greatest = hidden.aminmax()
        # Of all rows of the batch, whichever process computes them.
        low, high = processes.highest(torch.stack([-least, greatest])).unbind()
        self.low.lerp_(-low, MOMENTUM)
        self.high.lerp_(high, MOMENTUM)
