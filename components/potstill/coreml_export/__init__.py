"""coreml-export: the checkpoint as Core ML packages, each executed here and proved against PyTorch."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potstill.coreml_export.config import CoremlExportConfig
    from potstill.coreml_export.stage import export_coreml

__all__ = ["CoremlExportConfig", "export_coreml"]


def __getattr__(name: str) -> object:
    """Load the stage, and the libraries it computes with, when it is used; its KFP interface compiles without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("potstill.coreml_export.stage"), name)
