"""The last layer for the first token alone: a classifier reads no other."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


@contextmanager
def last_layer_for_first_token(model: nn.Module) -> Iterator[None]:
    """Let a Hugging Face classifier's last layer compute its first token only; logits and gradients stay what they are.

    The first token still attends to all others, whose keys and values are computed; their queries, attention output
    and FFN, five sixths of a BERT layer, reach neither the logits nor the loss. A call that asks for hidden states or
    attentions computes all tokens.

    Models whose layers are not BERT's (MobileBERT, DistilBERT, ALBERT) stay whole, and so does a model with fake
    quantisation, which must see all that the layer will meet.

    Args:
        model: a sequence classifier that reads the first token's last state.
    """
    layer = _last_layer(model)
    if layer is None:
        yield
        return
    whole, seen = layer.forward, {"all": False}

    def look(_: nn.Module, __: tuple[Any, ...], asked: dict[str, Any]) -> None:
        seen["all"] = bool(asked.get("output_hidden_states") or asked.get("output_attentions"))

    def forward(hidden: Tensor, attention_mask: Tensor | None = None, *args: Any, **others: Any) -> Any:
        return whole(hidden, attention_mask, *args, **others) if seen["all"] else _first(layer, hidden, attention_mask)

    handle = model.register_forward_pre_hook(look, with_kwargs=True)
    layer.forward = forward
    try:
        yield
    finally:
        handle.remove()
        del layer.forward  # the class's own comes to light again


def _last_layer(model: Any) -> Any:
    """Return the last layer when it is BERT's, with plain linears and absolute positions; else None."""
    layers = getattr(getattr(model.base_model, "encoder", None), "layer", None)
    if not layers or not hasattr(layers[-1], "feed_forward_chunk"):
        return None
    plain = type(layers[-1].attention.self.query) is nn.Linear
    absolute = getattr(model.config, "position_embedding_type", "absolute") == "absolute"
    return layers[-1] if plain and absolute else None


def _first(layer: Any, hidden: Tensor, attention_mask: Tensor | None) -> tuple[Tensor]:
    """Compute (rows, 1, width) from (rows, tokens, width): cross-attention from the first token to all."""
    mask = None if attention_mask is None else attention_mask[:, :, :1]
    attended = layer.attention(hidden[:, :1], attention_mask=mask, encoder_hidden_states=hidden)[0]
    return (layer.feed_forward_chunk(attended),)
