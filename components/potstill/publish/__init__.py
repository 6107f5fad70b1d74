"""publish: a signed bundle into a store, under its name and version, and releases out of it again."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potstill.publish.config import PublishConfig
    from potstill.publish.stage import publish_bundle

__all__ = ["PublishConfig", "publish_bundle"]
_MODULES = {"PublishConfig": "config", "publish_bundle": "stage"}


def __getattr__(name: str) -> object:
    """Load the stage, and the libraries it computes with, when it is used; its KFP interface compiles without them."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"potstill.publish.{_MODULES[name]}"), name)
