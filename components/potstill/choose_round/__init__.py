"""choose-round: take another round out of a pruned checkpoint, without pruning again."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potstill.choose_round.stage import ChooseRoundConfig, choose_round

__all__ = ["ChooseRoundConfig", "choose_round"]


def __getattr__(name: str) -> object:
    """Load the stage, and the libraries it computes with, when it is used; its KFP interface compiles without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("potstill.choose_round.stage"), name)
