"""A table of texts → token ids per split, the tokenizer that made them, label names and statistics."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potstill.tokenize.config import TokenizeConfig
    from potstill.tokenize.stage import tokenize_table

__all__ = ["TokenizeConfig", "tokenize_table"]


def __getattr__(name: str) -> object:
    """Load the stage, and the libraries it computes with, when it is used; its KFP interface compiles without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("potstill.tokenize.stage"), name)
