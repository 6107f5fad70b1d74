"""How each family is given a mask that float16 can hold.

transformers masks with the least float32, which is −inf in float16, and 0 · −inf is NaN. Here −10,000 is added: its
exponential is 0 beside any attention score.
"""

import math
from types import MethodType
from typing import Any

from torch import Tensor, softmax
from transformers import PreTrainedModel

from potstill.encoder.pruned import MODEL_TYPE
from potstill.encoder.pruned_mobilebert import MOBILE_MODEL_TYPE
from potstill.errors import InputError

MASKED = -1e4
# These ask one method of the encoder for the mask that is added to attention scores.
ASKING = ("bert", "roberta", "electra", "mobilebert", MODEL_TYPE, MOBILE_MODEL_TYPE)
FAMILIES = (*ASKING, "albert", "distilbert")


def additive_masks(model: PreTrainedModel) -> None:
    """Give a classifier, in place, attention masks that are added and that float16 can hold.

    Args:
        model: loaded with attention="eager".

    Raises:
        InputError: a family that is not known here.
    """
    family = model.config.model_type
    if family in ASKING:
        model.base_model.get_extended_attention_mask = additive
    elif family == "albert":
        model.base_model.forward = MethodType(_albert, model.base_model)
    elif family == "distilbert":
        model.base_model.forward = MethodType(_distilbert, model.base_model)
        for layer in model.base_model.transformer.layer:
            layer.attention.forward = MethodType(_distilbert_attention, layer.attention)
    else:
        raise InputError(
            f"models of family {family!r} cannot be exported to Core ML; families are: {', '.join(FAMILIES)}"
        )


def additive(attention_mask: Tensor, *_: Any, **__: Any) -> Tensor:
    """Turn a mask (batch, tokens), 1 for a token, into what is added to scores: (batch, 1, 1, tokens) float."""
    return (1.0 - attention_mask.float())[:, None, None, :] * MASKED


def _albert(
    self: Any, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor, position_ids: Tensor, **_: Any
) -> tuple[Tensor, Tensor]:
    """AlbertModel.forward, whose own makes its mask between two calls."""
    hidden = self.embeddings(input_ids, position_ids=position_ids, token_type_ids=token_type_ids)
    every_layer = [None] * self.config.num_hidden_layers
    hidden = self.encoder(hidden, additive(attention_mask), head_mask=every_layer, return_dict=False)[0]
    return hidden, self.pooler_activation(self.pooler(hidden[:, 0]))


def _distilbert(self: Any, input_ids: Tensor, attention_mask: Tensor, **_: Any) -> tuple[Tensor, ...]:
    """DistilBertModel.forward with a mask that is added."""
    hidden = self.embeddings(input_ids)
    every_layer = [None] * self.config.n_layers
    found: tuple[Tensor, ...] = self.transformer(
        x=hidden, attn_mask=additive(attention_mask), head_mask=every_layer, return_dict=False
    )
    return found


def _distilbert_attention(
    self: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor, *_: Any, **__: Any
) -> tuple[Tensor]:
    """MultiHeadSelfAttention.forward, whose own fills masked scores with the least float32."""
    batch, width = query.shape[0], self.dim // self.n_heads

    def heads(hidden: Tensor) -> Tensor:
        return hidden.view(batch, -1, self.n_heads, width).transpose(1, 2)

    scores = heads(self.q_lin(query)) / math.sqrt(width) @ heads(self.k_lin(key)).transpose(2, 3)
    context = softmax(scores + mask, -1) @ heads(self.v_lin(value))
    return (self.out_lin(context.transpose(1, 2).reshape(batch, -1, self.n_heads * width)),)
