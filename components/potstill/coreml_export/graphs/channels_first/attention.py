"""Attention over (batch, channels, 1, tokens), head by head, as each family calls it."""

from typing import Any

import torch
from torch import Tensor, nn


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, heads: int, width: int) -> Tensor:
    """Scaled dot-product attention, one head after the other: no reshape, and one transposition of the keys.

    Scores are (batch, keys, 1, queries), so that both products are of the form that Core ML's `einsum` takes.

    Args:
        query: (batch, heads · width, 1, tokens) float32.
        key: of the same shape.
        value: of the same shape.
        mask: added to the scores, (batch, 1, 1, tokens) float32.
        heads: how many there are.
        width: channels of one head.

    Returns: (batch, heads · width, 1, tokens) float32.

    Source: principles 2 and 3 of "Deploying Transformers on the Apple Neural Engine".
    """
    groups = [width] * heads
    # Not the query is scaled, which comes straight from a convolution: coremltools would change that one's weight.
    keys = torch.split(key.transpose(1, 3) * width**-0.5, groups, 3)
    queries, values = torch.split(query, groups, 1), torch.split(value, groups, 1)
    added, contexts = mask.transpose(1, 3), []
    for q, k, v in zip(queries, keys, values, strict=True):
        weights = torch.softmax(torch.einsum("bchq,bkhc->bkhq", q, k) + added, 1)
        contexts.append(torch.einsum("bkhq,bchk->bchq", weights, v))
    return torch.cat(contexts, 1)


class SelfAttention(nn.Module):
    """Of BERT, RoBERTa and ELECTRA: it takes hidden states and a mask."""

    def __init__(self, source: Any) -> None:
        """source: the family's own module, its linears replaced by convolutions already."""
        super().__init__()
        self.query, self.key, self.value = source.query, source.key, source.value
        self.heads, self.width = source.num_attention_heads, source.attention_head_size

    def forward(self, hidden_states: Tensor, attention_mask: Tensor, *_: Any, **__: Any) -> tuple[Tensor]:
        """Return the context, (batch, heads · width, 1, tokens), as the only member of a tuple."""
        return (self._attend(hidden_states, hidden_states, hidden_states, attention_mask),)

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
        return attend(self.query(query), self.key(key), self.value(value), mask, self.heads, self.width)


class BottleneckAttention(SelfAttention):
    """Of MobileBERT: queries, keys and values come from different bottlenecks."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor, *_: Any) -> tuple[Tensor]:
        """Return the context as the only member of a tuple."""
        return (self._attend(query, key, value, mask),)


class AlbertAttention(SelfAttention):
    """Of ALBERT: the projection, the residual and the norm belong to it."""

    def __init__(self, source: Any) -> None:
        super().__init__(source)
        self.dense, self.LayerNorm = source.dense, source.LayerNorm

    def forward(self, hidden_states: Tensor, attention_mask: Tensor, *_: Any, **__: Any) -> tuple[Tensor]:
        """Return the normed sum, (batch, channels, 1, tokens), as the only member of a tuple."""
        context = self._attend(hidden_states, hidden_states, hidden_states, attention_mask)
        return (self.LayerNorm(hidden_states + self.dense(context)),)


class DistilAttention(nn.Module):
    """Of DistilBERT: other names, and the projection belongs to it."""

    def __init__(self, source: Any) -> None:
        """source: the family's own module, its linears replaced by convolutions already."""
        super().__init__()
        self.q_lin, self.k_lin, self.v_lin, self.out_lin = source.q_lin, source.k_lin, source.v_lin, source.out_lin
        self.heads, self.width = source.n_heads, source.dim // source.n_heads

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor, **_: Any) -> tuple[Tensor]:
        """Return the projected context as the only member of a tuple."""
        context = attend(self.q_lin(query), self.k_lin(key), self.v_lin(value), mask, self.heads, self.width)
        return (self.out_lin(context),)
