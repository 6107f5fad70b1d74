"""coreml-export: the checkpoint as Core ML packages, each executed here and proved against PyTorch."""

from potstill.coreml_export.stage import CoremlExportConfig, export_coreml

__all__ = ["CoremlExportConfig", "export_coreml"]
