"""onnx-export: the checkpoint as ONNX files that plain onnxruntime runs, each proved against PyTorch."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potstill.onnx_export.config import OnnxExportConfig
    from potstill.onnx_export.stage import export_onnx

__all__ = ["OnnxExportConfig", "export_onnx"]


def __getattr__(name: str) -> object:
    """Load the stage, and the libraries it computes with, when it is used; its KFP interface compiles without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("potstill.onnx_export.stage"), name)
