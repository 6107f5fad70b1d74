"""How often each piece occurs in texts, and how many words the tokenizer does not know."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from potstill.vocabulary.encoding import Encoder


@dataclass(frozen=True)
class Counted:
    """What texts are made of, cut to the maximum length as they will be trained on.

    Attributes:
        ids: (vocabulary,) int64, how often each id occurs.
        words: pieces of all texts, without the special tokens around each.
        unknown: those of them that are [UNK].
    """

    ids: npt.NDArray[np.int64]
    words: int
    unknown: int


def count_pieces(groups: Iterable[Sequence[str]], encoder: Encoder) -> Counted:
    """Count the pieces of groups of texts, in the memory of one group."""
    size = max(encoder.tokenizer.get_vocab(with_added_tokens=True).values()) + 1
    total, rows = np.zeros(size, np.int64), 0
    for texts in groups:
        if len(texts):
            rows += len(texts)
            total += np.bincount(encoder.encode(texts).ids, minlength=size)
    unknown = 0 if encoder.unknown is None else int(total[encoder.unknown])
    return Counted(total, int(total.sum()) - encoder.special_tokens * rows, unknown)


def unknown_rate(*counted: Counted) -> float:
    """Return the share of [UNK] among all words of several counts, in [0, 1]; 0 where there is no word."""
    return sum(each.unknown for each in counted) / max(sum(each.words for each in counted), 1)
