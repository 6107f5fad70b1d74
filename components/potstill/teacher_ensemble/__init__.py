"""teacher-ensemble: add the logits of several teachers, so that a student learns from all of them at once."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potstill.teacher_ensemble.stage import TeacherEnsembleConfig, ensemble_outputs

__all__ = ["TeacherEnsembleConfig", "ensemble_outputs"]


def __getattr__(name: str) -> object:
    """Load the stage, and the libraries it computes with, when it is used; its KFP interface compiles without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("potstill.teacher_ensemble.stage"), name)
