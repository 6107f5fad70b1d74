"""Do a checkpoint and a token set mean the same word by the same id?"""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from potstill.encoder.tokenizer import TOKENIZER
from potstill.errors import InputError


def refuse_other_words(start: Path, tokens: Path, kept: Sequence[int]) -> None:
    """Refuse a checkpoint whose embeddings belong to other words than the ids of a token set.

    Training on it would begin, and find embeddings in no order at all.

    Args:
        start: the checkpoint's folder; without a tokenizer.json nothing can be told.
        tokens: folder of tokens/v1.
        kept: old id of each id of the tokens, when their vocabulary was pruned; else empty.

    Raises:
        InputError: a word of the tokens has another id in the checkpoint, or is not there.
    """
    if not (start / TOKENIZER).is_file():
        return
    known = Tokenizer.from_file(str(start / TOKENIZER)).get_vocab(with_added_tokens=True)
    used = Tokenizer.from_file(str(tokens / TOKENIZER)).get_vocab(with_added_tokens=True)
    strange = sorted(word for word, number in used.items() if known.get(word) != (kept[number] if kept else number))
    if strange:
        raise InputError(
            f"{len(strange)} of the {len(used)} words of {tokens} have other ids in {start}, or none, as "
            f"{strange[0]!r} has; tokenize with this checkpoint's own tokenizer"
        )
