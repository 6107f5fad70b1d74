"""What the pieces of a WordPiece vocabulary are: special, a letter or digit, a Chinese character, or one of a pair.

`x` begins a word and `##x` goes on with it. They are one thing at two places, so a pair is counted as one and stays or
goes as one. But a tokenizer that cuts at each Chinese character never makes `##字` (a third of BERT's Chinese
vocabulary), nor `##，`: such a piece is alone, and is dropped with all that no text has.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

Marks = npt.NDArray[np.bool_]
# The blocks that BERT's tokeniser takes for Chinese characters (google-research/bert, tokenization.py).
CHINESE = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


@dataclass(frozen=True)
class Pieces:
    """The kinds of all pieces, each array over the ids of the vocabulary.

    Attributes:
        special: (vocabulary,) bool, special and added tokens, [UNK] among them.
        spelling: (vocabulary,) bool, digits and single Latin letters, alone and with ##: any Latin word or number can
            be spelt with them.
        chinese: (vocabulary,) bool, single Chinese characters, alone and with ##.
        unit: (vocabulary,) int64, the smaller id of a pair for both of its pieces, else the piece's own id.
    """

    special: Marks
    spelling: Marks
    chinese: Marks
    unit: npt.NDArray[np.int64]

    def together(self, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return (vocabulary,) int64: how often a unit was seen, at the id that names it; 0 at the others."""
        total = np.zeros_like(counts)
        np.add.at(total, self.unit, counts)
        return total

    def units(self, marks: Marks) -> Marks:
        """Return (vocabulary,) bool: the units with a marked piece, at the ids that name them."""
        marked = np.zeros_like(marks)
        marked[self.unit[marks]] = True
        return marked


def pieces_of(tokenizer: Tokenizer) -> Pieces:
    """Sort the pieces of a WordPiece tokenizer.

    Args:
        tokenizer: what cuts the texts; it is asked which ## pieces it can ever make, and which letters it leaves.
    """
    ids = tokenizer.get_vocab(with_added_tokens=True)
    size, prefix = max(ids.values()) + 1, tokenizer.model.continuing_subword_prefix
    special = {token.content for token in tokenizer.get_added_tokens_decoder().values()} | {tokenizer.model.unk_token}
    bare = {piece: piece.removeprefix(prefix) or piece for piece in ids.keys() - special}
    unit = np.arange(size)
    for piece in bare:
        pair = prefix + piece
        if pair in bare and can_continue(tokenizer, piece):
            unit[[ids[piece], ids[pair]]] = min(ids[piece], ids[pair])
    return Pieces(
        special=_marks(size, (ids[piece] for piece in special if piece in ids)),
        spelling=_marks(size, (ids[piece] for piece, each in bare.items() if _spells(tokenizer, each))),
        chinese=_marks(size, (ids[piece] for piece, each in bare.items() if is_chinese(each))),
        unit=unit,
    )


def is_chinese(piece: str) -> bool:
    """Tell whether a piece, without ##, is a single Chinese character."""
    return len(piece) == 1 and any(first <= ord(piece) <= last for first, last in CHINESE)


def can_continue(tokenizer: Tokenizer, piece: str) -> bool:
    """Tell whether the tokenizer ever leaves a piece within a word: after a letter, or after the piece itself."""
    return any(_word(tokenizer, before + piece).endswith(piece) for before in ("a", piece))


def _word(tokenizer: Tokenizer, text: str) -> str:
    """Return what stays of a text that is one word to the tokenizer; "" where it is cut in several."""
    normal = tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text
    words = tokenizer.pre_tokenizer.pre_tokenize_str(normal) if tokenizer.pre_tokenizer else [(normal, (0, 0))]
    return str(words[0][0]) if len(words) == 1 else ""


def _spells(tokenizer: Tokenizer, piece: str) -> bool:
    """Tell whether a piece, without ##, is a digit or Latin letter that the tokenizer does not change into another."""
    if len(piece) != 1 or not (piece in "0123456789" or _is_latin(piece)):
        return False
    return _word(tokenizer, piece) == piece


def _is_latin(letter: str) -> bool:
    return unicodedata.category(letter).startswith("L") and unicodedata.name(letter, "").startswith("LATIN ")


def _marks(size: int, ids: Iterable[int]) -> Marks:
    marks = np.zeros(size, np.bool_)
    marks[list(ids)] = True
    return marks
