"""What nobody uses goes first: word pieces that the texts do not have, and positions beyond the longest text."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from potstill.artifacts import Artifact
from potstill.data.tokens import TRAIN, UNLABELLED, VALIDATION, TokenTable, read_split
from potstill.encoder.start import keep_embeddings
from potstill.prune.config import PruneConfig
from potstill.prune.shape import shape_of
from potstill.prune.surgery import cut_positions
from potstill.vocabulary.cutting import CutVocabulary, cut_vocabulary
from potstill.vocabulary.encoding import load_encoder
from potstill.vocabulary.retokenizing import retokenized, texts_of

COUNTED = (TRAIN, VALIDATION, UNLABELLED)  # a vocabulary that had seen the test would make the test easier


@dataclass(frozen=True)
class Trimmed:
    """A model without what the texts do not use, and how to read the texts for it.

    Attributes:
        model: the trimmed model.
        tokenizer: folder of the tokenizer that ships.
        read: (tokens, split) → the split's rows as this tokenizer cuts them.
        vocabulary: what became of the vocabulary; None where it stayed.
    """

    model: PreTrainedModel
    tokenizer: Path
    read: Callable[[Path, str], TokenTable]
    vocabulary: CutVocabulary | None

    def changed(self, before: PreTrainedModel) -> bool:
        """Tell whether anything went."""
        return shape_of(self.model.config) != shape_of(before.config)

    def facts(self) -> dict[str, Any]:
        """Tell what became of the vocabulary; nothing where it stayed."""
        found = self.vocabulary
        if found is None:
            return {}
        return {"vocabulary": {name: value for name, value in vars(found).items() if name != "kept"}}


def trim(model: PreTrainedModel, student: Artifact, tokens: Artifact, config: PruneConfig, folder: Path) -> Trimmed:
    """Drop word pieces and positions as the options say; the model that is given stays as it is.

    Args:
        model: the student, loaded.
        student: where its tokenizer lies.
        tokens: `tokens/v1`; the texts of all its splits but the test split are counted.
        config: the options.
        folder: an empty one, where a smaller tokenizer is written.

    Raises:
        InputError: the tokenizer is no WordPiece, or too many words would become [UNK].
    """
    length = tokens.meaning["max_length"]
    smaller = cut_positions(model, length) if config.trim_positions else model
    if not config.rule.cuts:
        return Trimmed(smaller, student.path, read_split, None)
    smaller = copy.deepcopy(smaller)
    vocabulary = cut_vocabulary(student.path, texts_of(tokens.path, COUNTED), config.rule, length, folder)
    keep_embeddings(smaller, vocabulary.kept)
    return Trimmed(smaller, folder, partial(retokenized, encoder=load_encoder(folder, length)), vocabulary)
