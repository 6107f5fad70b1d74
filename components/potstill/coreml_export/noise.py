"""What the libraries tell their own developers during a conversion, and no user can act upon."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import TextIO

from potstill.coreml.quiet import quiet_coremltools

WARNINGS = (
    # coremltools compares the ranges of types, and float32's does not fit into float16: that is what it wants to know.
    ("overflow encountered in cast", RuntimeWarning),
    # coremltools is at home in TorchScript; its way by torch.export is a beta, as it says itself.
    (r"`torch\.jit\..*` is deprecated", DeprecationWarning),
    # transformers' MobileBERT makes a constant while it is traced; parity proves that it is one.
    ("torch.tensor results are registered as constants", Warning),
)
BARS = ("Converting PyTorch Frontend", "Running MIL")  # progress bars; coremltools has no switch for them


class _WithoutBars:
    """A stream that drops coremltools' progress bars and hands on everything else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        said = text.strip("\r\n ")
        return self._stream.write(text) if said and not said.startswith(BARS) else 0

    def flush(self) -> None:
        self._stream.flush()


@contextmanager
def without_noise() -> Iterator[None]:
    """Hide the known remarks and the progress bars, and only those, while a library works."""
    with warnings.catch_warnings(), quiet_coremltools(), redirect_stderr(_WithoutBars(sys.stderr)):
        for message, category in WARNINGS:
            warnings.filterwarnings("ignore", message=message, category=category)
        yield
