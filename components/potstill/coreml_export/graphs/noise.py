"""What the libraries tell their own developers during a conversion, and no user can act upon."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import TextIO

from torch.jit._trace import TracerWarning

from potstill.coreml.quiet import quiet_coremltools

WARNINGS = (
    # coremltools compares the ranges of types, and float32's does not fit into float16: that is what it wants to know.
    ("overflow encountered in cast", RuntimeWarning),
    # coremltools is at home in TorchScript; its way by torch.export is a beta, as it says itself.
    (r"`torch\.jit\..*` is deprecated", DeprecationWarning),
    # PyTorch looks whether a padding id lies in its table, RoBERTa's being above 0; it always does.
    ("Converting a tensor to a Python boolean might cause the trace", TracerWarning),
    # It turns the traced length, an array of one number, into a number.
    ("Conversion of an array with ndim > 0 to a scalar is deprecated", DeprecationWarning),
    # transformers' MobileBERT makes a constant while it is traced; parity proves that it is one.
    ("torch.tensor results are registered as constants", Warning),
)
UP = "\x1b[A"  # how tqdm goes from one bar to another
# transformers looks for the loss of a model that was put into another module, and nobody asked for a loss.
LOSS_LOGGER, LOSS = "transformers.modeling_utils", "`loss_type="
BARS = (
    "Converting PyTorch Frontend",
    "Running MIL",
    "Running activation compression",
)  # progress bars; coremltools has no switch for them


class _WithoutBars:
    """A stream that drops coremltools' progress bars and hands on everything else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        said = text.replace(UP, "").strip("\r\n ")
        return self._stream.write(text) if said and not said.startswith(BARS) else 0

    def flush(self) -> None:
        self._stream.flush()


@contextmanager
def without_noise() -> Iterator[None]:
    """Hide the known remarks and the progress bars, and only those, while a library works."""
    loss = logging.getLogger(LOSS_LOGGER)
    loss.addFilter(_is_news)
    try:
        with warnings.catch_warnings(), quiet_coremltools(), redirect_stderr(_WithoutBars(sys.stderr)):
            for message, category in WARNINGS:
                warnings.filterwarnings("ignore", message=message, category=category)
            yield
    finally:
        loss.removeFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(LOSS)
