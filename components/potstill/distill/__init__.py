"""distill: train a small student to answer as the teacher does, on labelled and unlabelled text."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potstill.distill.config import DistillConfig
    from potstill.distill.stage import distill_student

__all__ = ["DistillConfig", "distill_student"]


def __getattr__(name: str) -> object:
    """Load the stage, and the libraries it computes with, when it is used; its KFP interface compiles without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("potstill.distill.stage"), name)
