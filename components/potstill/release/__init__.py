"""release: models, report and the whole lineage in one folder, with the evidence that an auditor asks for."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potstill.release.config import ReleaseConfig
    from potstill.release.stage import release_model

__all__ = ["ReleaseConfig", "release_model"]


def __getattr__(name: str) -> object:
    """Load the stage, and the libraries it computes with, when it is used; its KFP interface compiles without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("potstill.release.stage"), name)
