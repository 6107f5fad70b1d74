"""qat: train a model to keep its accuracy when it computes in int8, and save the scales."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potstill.qat.stage import QatConfig, quantize_checkpoint

__all__ = ["QatConfig", "quantize_checkpoint"]


def __getattr__(name: str) -> object:
    """Load the stage, and the libraries it computes with, when it is used; its KFP interface compiles without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("potstill.qat.stage"), name)
