"""prune: remove attention heads and FFN neurons until a target or an accuracy floor is reached."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potstill.prune.stage import PruneConfig, prune_checkpoint

__all__ = ["PruneConfig", "prune_checkpoint"]


def __getattr__(name: str) -> object:
    """Load the stage, and the libraries it computes with, when it is used; its KFP interface compiles without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("potstill.prune.stage"), name)
