"""How each model reads a text: as the tokens were cut, or, with a tokenizer of its own, into its own word pieces."""

from pathlib import Path

import numpy as np

from potstill.artifacts import Artifact
from potstill.data.tokens import NO_LABEL, TokenTable
from potstill.validate.inputs import TestRows
from potstill.validate.models.words import reads_other_words
from potstill.vocabulary.encoding import load_encoder


class Reader:
    """Cuts texts into the ids that a model knows.

    Attributes:
        own: whether the model's tokenizer is another one than that of the tokens.
    """

    def __init__(self, folder: Path, tokens: Artifact) -> None:
        """Take the tokenizer of a model's folder; without one there, that of the tokens."""
        self.own = reads_other_words(folder, tokens.path)
        self._encoder = load_encoder(folder if self.own else tokens.path, int(tokens.meaning["max_length"]))

    def read(self, rows: TestRows) -> TokenTable:
        """The test rows with their labels; as they were cut already, where this model reads them so."""
        if not self.own:
            return rows.table
        cut = self.cut(rows.texts)
        return TokenTable(cut.ids, cut.offsets, rows.table.labels)

    def cut(self, texts: list[str]) -> TokenTable:
        """Other texts, without labels; at least one."""
        encoded = self._encoder.encode(texts)
        offsets = np.concatenate([[0], np.cumsum(encoded.lengths)]).astype(np.int64)
        return TokenTable(encoded.ids, offsets, np.full(len(texts), NO_LABEL))

    def unknown_share(self, table: TokenTable) -> float | None:
        """Share of a table's tokens that are [UNK], in [0, 1], special ones not counted; None where there are none."""
        counted = len(table.ids) - self._encoder.special_tokens * len(table)
        if self._encoder.unknown is None or not counted:
            return None
        return float((table.ids == self._encoder.unknown).sum() / counted)
