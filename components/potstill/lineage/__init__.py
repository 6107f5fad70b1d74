"""lineage: from what, by which stage and which code, each model of a release was made; in text and as a picture."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potstill.lineage.command import show_lineage

__all__ = ["show_lineage"]


def __getattr__(name: str) -> object:
    """Load the command when it is used: the drawing is used without it, too."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("potstill.lineage.command"), name)
