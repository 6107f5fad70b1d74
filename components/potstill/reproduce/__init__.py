"""reproduce: every stage of a release run again from its evidence alone, and compared digest by digest."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potstill.reproduce.command import reproduce_bundle

__all__ = ["reproduce_bundle"]


def __getattr__(name: str) -> object:
    """Load the command when it is used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("potstill.reproduce.command"), name)
