"""A BERT whose layers differ in heads and FFN neurons, saved so that `from_pretrained` brings it back exactly.

Stock BERT has one shape for all layers, and a hidden width that is that of its heads together. Here the config lists
each layer's shape, and the model is built from that list. Importing this module registers both pruned families.
"""

from typing import Any

from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
)

from potstill.encoder.pruned_mobilebert import (
    MOBILE_MODEL_TYPE,
    PrunedMobileBertConfig,
    PrunedMobileBertForSequenceClassification,
)
from potstill.encoder.uneven import UnevenConfig

MODEL_TYPE = "potstill_pruned_bert"


class PrunedBertConfig(UnevenConfig, BertConfig):
    """BertConfig with a list per layer.

    Attributes:
        heads_per_layer: attention heads of each layer, at least 1.
        ffn_per_layer: FFN neurons of each layer, at least 1.
        head_size: width of one head; it stays what it was in the unpruned model.
        embedding_size: the hidden width; a stock BERT that finds this lets it be no multiple of the heads, here as
            where a stock class opens the file and must come as far as its refusal.
    """

    model_type = MODEL_TYPE

    def __init__(
        self,
        heads_per_layer: list[int] | None = None,
        ffn_per_layer: list[int] | None = None,
        head_size: int | None = None,
        **others: Any,
    ) -> None:
        super().__init__(**others)
        self.heads_per_layer = heads_per_layer or [self.num_attention_heads] * self.num_hidden_layers
        self.ffn_per_layer = ffn_per_layer or [self.intermediate_size] * self.num_hidden_layers
        self.head_size = head_size or self.hidden_size // self.num_attention_heads
        self.embedding_size = self.hidden_size


class PrunedBertForSequenceClassification(BertForSequenceClassification):
    """BertForSequenceClassification with the shapes of a PrunedBertConfig."""

    config_class = PrunedBertConfig

    def __init__(self, config: PrunedBertConfig) -> None:
        super().__init__(config)
        shapes = zip(self.bert.encoder.layer, config.heads_per_layer, config.ffn_per_layer, strict=True)
        for layer, heads, neurons in shapes:
            shape_layer(layer, heads, config.head_size, neurons, config.hidden_size)
        self.post_init()


def shape_layer(layer: Any, heads: int, head_size: int, neurons: int, hidden: int) -> None:
    """Give one BertLayer fresh linears of the wanted number of heads and FFN neurons."""
    attention, width = layer.attention.self, heads * head_size
    attention.num_attention_heads, attention.attention_head_size, attention.all_head_size = heads, head_size, width
    attention.query, attention.key, attention.value = (nn.Linear(hidden, width) for _ in range(3))
    layer.attention.output.dense = nn.Linear(width, hidden)
    layer.intermediate.dense = nn.Linear(hidden, neurons)
    layer.output.dense = nn.Linear(neurons, hidden)


AutoConfig.register(MODEL_TYPE, PrunedBertConfig)
AutoModelForSequenceClassification.register(PrunedBertConfig, PrunedBertForSequenceClassification)
AutoConfig.register(MOBILE_MODEL_TYPE, PrunedMobileBertConfig)
AutoModelForSequenceClassification.register(PrunedMobileBertConfig, PrunedMobileBertForSequenceClassification)
