"""Keeps coremltools' remarks to its developers out of a stage's output.

On import it remarks that the versions of scikit-learn and torch are newer than those it was tested with, and that the
parts that only macOS has are missing. Nobody who runs a stage can act upon either; parity is proved by execution.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

LOGGER = "coremltools"


@contextmanager
def quiet_coremltools() -> Iterator[None]:
    """Let coremltools log errors only, while it is imported or while it works."""
    logger = logging.getLogger(LOGGER)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
