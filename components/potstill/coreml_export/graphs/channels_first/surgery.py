"""Replacing the parts of a classifier, in place, by parts that compute over (batch, channels, 1, tokens).

What transformers does between the parts (residuals, activations, dropout that is off) is the same in either layout and
stays its own. Three places are told what the layout is: the embeddings' end, attention, and the first token.
"""

from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.models.mobilebert.modeling_mobilebert import NoNorm

from potstill.coreml_export.graphs.channels_first.attention import (
    AlbertAttention,
    BottleneckAttention,
    DistilAttention,
    SelfAttention,
)
from potstill.coreml_export.graphs.channels_first.embeddings import MobileEmbeddings
from potstill.coreml_export.graphs.channels_first.modules import (
    ChannelNorm,
    ChannelScale,
    LogitsConv,
    PointwiseConv,
    lift,
)
from potstill.encoder.pruned_mobilebert import MOBILE_MODEL_TYPE
from potstill.errors import InputError

MOBILE = ("mobilebert", MOBILE_MODEL_TYPE)


def to_channels_first(model: PreTrainedModel) -> None:
    """Give a classifier the layout, in place; every linear keeps its name and its weight.

    Args:
        model: a classifier of a family that coreml-export knows, with masks that are added.

    Raises:
        InputError: attention with relative positions, which no family but old BERT variants has.
    """
    if getattr(model.config, "position_embedding_type", "absolute") != "absolute":
        raise InputError(
            f"layout channels_first computes attention with absolute positions only, got "
            f"{model.config.position_embedding_type!r}; pass --layout standard"
        )
    _replace_linears_and_norms(model)
    _replace_attention(model)
    _lift_embeddings(model)
    _encoder(model).register_forward_hook(_only_first_token)


def _replace_linears_and_norms(model: PreTrainedModel) -> None:
    last = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)][-1]
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear):
            model.set_submodule(name, LogitsConv(module) if name == last else PointwiseConv(module))
        elif isinstance(module, nn.LayerNorm):
            model.set_submodule(name, ChannelNorm(module))
        elif isinstance(module, NoNorm):
            model.set_submodule(name, ChannelScale(module))


def _replace_attention(model: PreTrainedModel) -> None:
    family, base = model.config.model_type, model.base_model
    if family == "distilbert":
        for layer in base.transformer.layer:
            layer.attention = DistilAttention(layer.attention)
    elif family == "albert":
        for group in base.encoder.albert_layer_groups:
            for layer in group.albert_layers:
                layer.attention = AlbertAttention(layer.attention)
    else:
        kind = BottleneckAttention if family in MOBILE else SelfAttention
        for layer in base.encoder.layer:
            layer.attention.self = kind(layer.attention.self)


def _lift_embeddings(model: PreTrainedModel) -> None:
    """Have the embeddings end in the layout: their norm takes the lifted sum. MobileBERT's have a linear inside."""
    base = model.base_model
    if model.config.model_type in MOBILE:
        base.embeddings = MobileEmbeddings(base.embeddings)
    else:
        base.embeddings.LayerNorm.register_forward_pre_hook(_lift_input)


def _encoder(model: PreTrainedModel) -> nn.Module:
    base = model.base_model
    found: nn.Module = base.transformer if model.config.model_type == "distilbert" else base.encoder
    return found


def _lift_input(_: nn.Module, given: tuple[Tensor, ...]) -> Tensor:
    return lift(given[0])


def _only_first_token(_: nn.Module, __: Any, found: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return the first token's states so that every head's `hidden[:, 0]` is (batch, channels, 1, 1)."""
    return (found[0][..., :1].unsqueeze(1), *found[1:])
