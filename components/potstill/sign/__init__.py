"""sign: a signed bundle of a release, after every digest in it was computed again."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potstill.sign.config import SignConfig
    from potstill.sign.stage import sign_release

__all__ = ["SignConfig", "sign_release"]


def __getattr__(name: str) -> object:
    """Load the stage, and the libraries it computes with, when it is used; its KFP interface compiles without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("potstill.sign.stage"), name)
