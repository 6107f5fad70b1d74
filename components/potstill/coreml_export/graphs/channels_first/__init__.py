"""The layout of Apple's transformers for the Neural Engine: hidden states (batch, channels, 1, tokens)."""

from potstill.coreml_export.graphs.channels_first.classifier import ChannelsFirstClassifier

__all__ = ["ChannelsFirstClassifier"]
