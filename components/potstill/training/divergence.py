"""Training that has gone wrong ends at the step where it did: NaN, infinity, or a gradient that explodes."""

import math
from statistics import median

from potstill.errors import InputError
from potstill.training.options import TrainingOptions

REMEMBERED = 64  # gradient norms of the last steps
FACTOR = 1000.0  # between a norm that is merely large and one that explodes


def why_diverged(loss: float, norm: float, norms: list[float], options: TrainingOptions) -> str:
    """Say what is wrong with a step, before it is taken; empty when nothing is.

    A gradient explodes when its norm is a thousand times what it was of late, and a thousand times what it is clipped
    to: what is left of it after clipping is noise. Either alone may be a model's nature (MobileBERT's gradients are in
    the thousands) or a change of losses.

    Args:
        loss: the step's.
        norm: L2 norm of its gradient.
        norms: of the steps before, the newest last.
        options: give what it is clipped to.
    """
    for what, value in (("loss", loss), ("gradient", norm)):
        if not math.isfinite(value):
            return f"the {what} became {value}"
    usual = median(norms) if len(norms) == REMEMBERED else math.inf
    if norm > FACTOR * usual and norm > FACTOR * options.max_grad_norm:
        return f"the gradient exploded: its norm is {norm:.3g}, and was {usual:.3g} of late,"
    return ""


def diverged(why: str, step: int, kept: str, options: TrainingOptions) -> InputError:
    """Make the error; kept: where the state before the step is, or empty."""
    stands = f"; the state before it is kept at {kept}" if kept else ""
    return InputError(
        f"{why} at step {step}{stands}; lower learning_rate ({options.learning_rate:g}) or set dtype to float32"
    )
