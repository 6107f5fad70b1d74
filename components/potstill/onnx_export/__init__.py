"""onnx-export: the checkpoint as ONNX files that plain onnxruntime runs, each proved against PyTorch."""

from potstill.onnx_export.stage import OnnxExportConfig, export_onnx

__all__ = ["OnnxExportConfig", "export_onnx"]
