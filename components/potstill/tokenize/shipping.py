"""The tokenizer that ships with the tokens: the given one, or one with only the pieces that the texts use."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from potstill.data.tokens import TEST
from potstill.encoder.tokenizer import copy_tokenizer
from potstill.tokenize.encoding import Encoder, load_encoder
from potstill.tokenize.vocabulary import kept_ids, write_pruned, write_vocabulary
from potstill.tokenize.writing import count_tokens


@dataclass(frozen=True)
class Vocabulary:
    """What became of the vocabulary.

    Attributes:
        before: pieces of the given tokenizer.
        after: pieces of the tokenizer that ships.
        unknown_rate_before: share of [UNK] with the given tokenizer; None where nothing was pruned.
    """

    before: int
    after: int
    unknown_rate_before: float | None = None

    @property
    def pruned(self) -> bool:
        """Tell whether pieces were dropped by count."""
        return self.unknown_rate_before is not None

    def summary(self) -> dict[str, Any]:
        """Give the figures by name."""
        facts = {"before": self.before, "after": self.after, "pruned": self.pruned}
        return {**facts, "unknown_rate_before": self.unknown_rate_before} if self.pruned else facts


def ship_tokenizer(start: Path, tokens: Path, max_length: int) -> tuple[Encoder, Vocabulary]:
    """Copy the given tokenizer into the tokens folder."""
    encoder = load_encoder(start, max_length)
    copy_tokenizer(start, tokens)
    write_vocabulary(tokens)
    return encoder, Vocabulary(encoder.size, encoder.size)


def ship_pruned_tokenizer(
    start: Path, tokens: Path, max_length: int, rows: Mapping[str, int], folder: Path, min_count: int
) -> tuple[Encoder, Vocabulary]:
    """Write the tokenizer with the pieces that the texts use into the tokens folder.

    Args:
        start: folder of the given tokenizer.
        tokens: the tokens/v1 folder.
        max_length: most tokens of a text.
        rows: rows of each split.
        folder: where the splits' rows lie (`rows.write_rows`).
        min_count: how often a piece must be seen outside the test split; a vocabulary that had seen the test texts
            would make the test easier than the world.
    """
    encoder = load_encoder(start, max_length)
    used = {split: count_tokens(folder, split, encoder) for split, count in rows.items() if count}
    seen = np.sum([count for split, count in used.items() if split != TEST], axis=0)
    kept = kept_ids(start, seen, min_count)
    write_pruned(start, kept, tokens)
    unknown = 0 if encoder.unknown is None else sum(int(count[encoder.unknown]) for count in used.values())
    words = sum(int(count.sum()) - encoder.special_tokens * rows[split] for split, count in used.items())
    return load_encoder(tokens, max_length), Vocabulary(encoder.size, len(kept), unknown / max(words, 1))
