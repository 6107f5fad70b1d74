"""The linears that pruning weighs and cuts, by name, so that importance and surgery need no path of their own."""

from dataclasses import dataclass
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from potstill.encoder.pruned_mobilebert import feed_forward_parts


@dataclass(frozen=True)
class Attention:
    """One layer's self-attention: head h owns the channels h·head_size … (h + 1)·head_size − 1.

    Attributes:
        layer: its layer's number, from 0.
        query: hidden → heads · head_size; `key` and `value` likewise. A head owns rows of these three, biases too.
        output: heads · head_size → hidden. A head owns columns of it.
        heads: how many there are.
        head_size: channels of one.
    """

    layer: int
    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    output: nn.Linear
    heads: int
    head_size: int


@dataclass(frozen=True)
class FeedForward:
    """One feed-forward network: neuron n owns row n of `first`, its bias, and column n of `second`.

    Attributes:
        layer: its layer's number, from 0.
        first: hidden → neurons.
        second: neurons → hidden.
    """

    layer: int
    first: nn.Linear
    second: nn.Linear


def layers(model: PreTrainedModel) -> nn.ModuleList:
    """Return the blocks of a BERT, a MobileBERT, or one of them pruned."""
    found: nn.ModuleList = model.base_model.encoder.layer
    return found


def is_mobile(model: PreTrainedModel) -> bool:
    """Tell whether the blocks are MobileBERT's, which have bottlenecks and several feed-forward networks."""
    return bool(model.base_model_prefix == "mobilebert")


def attentions(model: PreTrainedModel) -> list[Attention]:
    """Return what heads can be cut out of: one per layer of a BERT, none of a MobileBERT."""
    if is_mobile(model):
        return []
    return [_attention(number, layer) for number, layer in enumerate(layers(model))]


def feed_forwards(model: PreTrainedModel) -> list[FeedForward]:
    """Return the feed-forward networks in order of execution: a BERT's one per layer, a MobileBERT's four."""
    return [
        FeedForward(number, part.intermediate.dense, part.output.dense)
        for number, layer in enumerate(layers(model))
        for part in feed_forward_parts(layer)
    ]


def _attention(number: int, layer: Any) -> Attention:
    own, output = layer.attention.self, layer.attention.output.dense
    return Attention(number, own.query, own.key, own.value, output, own.num_attention_heads, own.attention_head_size)
