"""validate: every format on the whole test split, held to budgets, told in a report that a person can read."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potstill.validate.config import ValidateConfig
    from potstill.validate.stage import validate_models

__all__ = ["ValidateConfig", "validate_models"]


def __getattr__(name: str) -> object:
    """Load the stage, and the libraries it computes with, when it is used; its KFP interface compiles without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("potstill.validate.stage"), name)
