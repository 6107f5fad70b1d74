"""The tokenizer that ships with the tokens: the given one, or one with only the pieces that the texts use."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from potstill.data.tokens import TEST
from potstill.encoder.tokenizer import copy_tokenizer
from potstill.tokenize.corpus import Corpus
from potstill.vocabulary.cut_files import write_vocabulary
from potstill.vocabulary.cutting import CutVocabulary, cut_vocabulary
from potstill.vocabulary.encoding import Encoder, load_encoder
from potstill.vocabulary.rule import Rule


@dataclass(frozen=True)
class Vocabulary:
    """What became of the vocabulary.

    Attributes:
        before: pieces of the given tokenizer.
        after: pieces of the tokenizer that ships.
        cut: what was dropped and what that costs; None where nothing was to be.
    """

    before: int
    after: int
    cut: CutVocabulary | None = None

    def summary(self) -> dict[str, Any]:
        """Give the figures by name, for statistics.json."""
        facts = {"before": self.before, "after": self.after, "pruned": self.cut is not None}
        return {**facts, **self.cut.rates(), "coverage": self.cut.coverage} if self.cut else facts

    def meaning(self) -> dict[str, Any]:
        """Give what the manifest tells."""
        told = {"vocabulary_size": self.after, "vocabulary_pruned": self.cut is not None}
        return {**told, **self.cut.rates(), "vocabulary_coverage": self.cut.coverage} if self.cut else told


def ship_tokenizer(
    start: Path, tokens: Path, max_length: int, corpus: Corpus, rule: Rule
) -> tuple[Encoder, Vocabulary]:
    """Write the tokenizer into the tokens folder.

    Args:
        start: folder of the given tokenizer.
        tokens: the tokens/v1 folder.
        max_length: most tokens of a text.
        corpus: the texts; those of the test split are not counted, but [UNK] in them is.
        rule: which pieces stay.

    Raises:
        InputError: what `vocabulary.cutting.cut_vocabulary` refuses.
    """
    if not rule.cuts:
        encoder = load_encoder(start, max_length)
        copy_tokenizer(start, tokens)
        write_vocabulary(tokens)
        return encoder, Vocabulary(encoder.size, encoder.size)
    counted = [split for split in corpus.splits if split != TEST]
    tested = [split for split in corpus.splits if split == TEST]
    texts, others = (partial(corpus.texts, splits, "count pieces of") for splits in (counted, tested))
    cut = cut_vocabulary(start, texts, rule, max_length, tokens, others)
    return load_encoder(tokens, max_length), Vocabulary(cut.before, cut.after, cut)
