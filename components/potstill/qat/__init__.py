"""qat: train a model to keep its accuracy when it computes in int8, and save the scales."""

from potstill.qat.stage import QatConfig, quantize_checkpoint

__all__ = ["QatConfig", "quantize_checkpoint"]
