"""MobileBERT's embeddings: each token's word with its neighbours', through a linear, and position and segment added."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from potstill.coreml_export.graphs.channels_first.modules import lift


class MobileEmbeddings(nn.Module):
    """Tables and linear of MobileBERT, with the words lifted before they are joined.

    Position and segment are summed before they are lifted, so that the table of positions stays as it is in the file.
    """

    def __init__(self, source: Any) -> None:
        """source: the family's own module, its linear and its norm replaced already."""
        super().__init__()
        self.word_embeddings = source.word_embeddings
        self.position_embeddings, self.token_type_embeddings = source.position_embeddings, source.token_type_embeddings
        self.embedding_transformation, self.LayerNorm = source.embedding_transformation, source.LayerNorm
        self.trigrams = source.trigram_input
        self.transformed = source.trigram_input or source.embedding_size != source.hidden_size

    def forward(self, input_ids: Tensor, token_type_ids: Tensor, position_ids: Tensor, **_: Any) -> Tensor:
        """Inputs (batch, tokens) int32 → (batch, channels, 1, tokens) float32."""
        words = lift(self.word_embeddings(input_ids))
        if self.trigrams:
            words = torch.cat([pad(words[..., 1:], (0, 1)), words, pad(words[..., :-1], (1, 0))], 1)
        if self.transformed:
            words = self.embedding_transformation(words)
        where = self.position_embeddings(position_ids) + self.token_type_embeddings(token_type_ids)
        found: Tensor = self.LayerNorm(words + lift(where))
        return found
