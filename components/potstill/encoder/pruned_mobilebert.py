"""A MobileBERT whose feed-forward networks differ in neurons; everything else is as in the stock model."""

from typing import Any

from torch import nn
from transformers import MobileBertConfig, MobileBertForSequenceClassification

from potstill.encoder.uneven import UnevenConfig

MOBILE_MODEL_TYPE = "potstill_pruned_mobilebert"


class PrunedMobileBertConfig(UnevenConfig, MobileBertConfig):
    """MobileBertConfig with lists of FFN neurons.

    Attributes:
        ffn_per_layer: by layer, the neurons of each of its feed-forward networks, in order of execution.
    """

    model_type = MOBILE_MODEL_TYPE

    def __init__(self, ffn_per_layer: list[list[int]] | None = None, **others: Any) -> None:
        super().__init__(**others)
        even = [self.intermediate_size] * self.num_feedforward_networks
        self.ffn_per_layer = ffn_per_layer or [list(even) for _ in range(self.num_hidden_layers)]


class PrunedMobileBertForSequenceClassification(MobileBertForSequenceClassification):
    """MobileBertForSequenceClassification with the shapes of a PrunedMobileBertConfig."""

    config_class = PrunedMobileBertConfig

    def __init__(self, config: PrunedMobileBertConfig) -> None:
        super().__init__(config)
        for layer, widths in zip(self.mobilebert.encoder.layer, config.ffn_per_layer, strict=True):
            for part, neurons in zip(feed_forward_parts(layer), widths, strict=True):
                part.intermediate.dense = nn.Linear(config.true_hidden_size, neurons)
                part.output.dense = nn.Linear(neurons, config.true_hidden_size)
        self.post_init()


def feed_forward_parts(layer: Any) -> list[Any]:
    """Return the modules of a layer that hold `intermediate.dense` and `output.dense`, in order of execution.

    MobileBERT's `layer.ffn` run first, and the layer's own last; a BERT layer has its own only.
    """
    return [*getattr(layer, "ffn", []), layer]
