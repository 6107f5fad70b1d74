"""Texts → token ids with the tokenizers library (Rust): the ids of many texts end to end in one array."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from potstill.encoder.tokenizer import TOKENIZER
from potstill.errors import InputError
from potstill.vocabulary.words import Words, can_be_cut

CHARACTERS = 1 << 18  # of text per call: bounds the tokenizer's own memory, some 100 bytes a token


@dataclass(frozen=True)
class Encoded:
    """Token ids of several texts.

    Attributes:
        ids: (tokens,) int32, rows end to end, special tokens included.
        lengths: (rows,) int64 tokens of each row, at most the maximum length.
        whole_lengths: (rows,) int64 tokens that each row would have without a maximum.
    """

    ids: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int64]
    whole_lengths: npt.NDArray[np.int64]


class Encoder:
    """A fast tokenizer and a maximum length; cuts at the end, as `truncation=True` does.

    Attributes:
        tokenizer: the tokenizer, without truncation and padding of its own.
        max_length: most tokens a row may have, special tokens included.
        unknown: id of the unknown token, or None for a tokenizer that has none.
    """

    def __init__(self, tokenizer: Tokenizer, max_length: int) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        probe = tokenizer.encode("a")
        inner = [place for place, special in enumerate(probe.special_tokens_mask) if not special]
        self.tokenizer, self.max_length = tokenizer, max_length
        self._before = np.array(probe.ids[: inner[0]], np.int32)
        self._after = np.array(probe.ids[inner[-1] + 1 :], np.int32)
        self.unknown = _unknown(tokenizer)
        self._words = Words(tokenizer) if can_be_cut(tokenizer) else None

    @property
    def size(self) -> int:
        """Number of ids."""
        return int(self.tokenizer.get_vocab_size(with_added_tokens=True))

    @property
    def special_tokens(self) -> int:
        """How many special tokens stand around a text ([CLS] and [SEP]: 2)."""
        return len(self._before) + len(self._after)

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Tokenise texts, in pieces small enough for any length of text."""
        parts = [self._encode(texts[each]) for each in _slices(texts)]
        return Encoded(
            ids=np.concatenate([part.ids for part in parts]),
            lengths=np.concatenate([part.lengths for part in parts]),
            whole_lengths=np.concatenate([part.whole_lengths for part in parts]),
        )

    def _encode(self, texts: Sequence[str]) -> Encoded:
        rows = self._inner(texts)
        whole = np.fromiter(map(len, rows), np.int64, len(rows))
        kept = np.minimum(whole, self.max_length - self.special_tokens)
        flat = np.fromiter(chain.from_iterable(rows), np.int32, int(whole.sum()))
        ends = np.cumsum(kept + self.special_tokens)
        ids = np.empty(int(ends[-1]), np.int32)
        ids[_places(ends - len(self._after) - kept, kept)] = flat[_places(np.cumsum(whole) - whole, kept)]
        for offset, special in enumerate(self._before):
            ids[ends - kept - self.special_tokens + offset] = special
        for offset, special in enumerate(self._after):
            ids[ends - len(self._after) + offset] = special
        return Encoded(ids, kept + self.special_tokens, whole + self.special_tokens)

    def _inner(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids without special tokens around them and without a maximum."""
        if self._words is not None:
            return [self._words.ids(text) for text in texts]
        return [each.ids for each in self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)]


def require_tokenizer(folder: Path) -> Path:
    """Return the file of a folder's fast tokenizer.

    Raises:
        InputError: no such folder, or no such file in it.
    """
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "does not exist"
        raise InputError(f"{folder} {what}; wanted is a checkpoint's folder with a {TOKENIZER}")
    if not (folder / TOKENIZER).is_file():
        raise InputError(f"{folder} has no {TOKENIZER}; `potstill import-checkpoint` makes it from a vocabulary")
    return folder / TOKENIZER


def load_encoder(folder: Path, max_length: int) -> Encoder:
    """Read a folder's fast tokenizer.

    Raises:
        InputError: no such folder, no tokenizer in it, or a damaged one.
    """
    path = require_tokenizer(folder)
    try:
        return Encoder(Tokenizer.from_file(str(path)), max_length)
    except Exception as broken:  # tokenizers raises bare Exception
        raise InputError(f"{path} is no tokenizer: {broken}; import the checkpoint again") from broken


def _unknown(tokenizer: Tokenizer) -> int | None:
    model = json.loads(tokenizer.to_str())["model"]
    if "unk_id" in model:
        return None if model["unk_id"] is None else int(model["unk_id"])
    return tokenizer.token_to_id(model["unk_token"]) if model.get("unk_token") else None


def _slices(texts: Sequence[str]) -> Iterator[slice]:
    """Cut a list of texts into runs of at most CHARACTERS, at least one text each."""
    start, total = 0, 0
    for place, text in enumerate(texts):
        if total and total + len(text) > CHARACTERS:
            yield slice(start, place)
            start, total = place, 0
        total += len(text)
    yield slice(start, len(texts))


def _places(starts: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the indices start, start + 1, …, start + count - 1 of every run, end to end."""
    offsets = np.cumsum(counts) - counts
    places: npt.NDArray[np.int64] = np.repeat(starts - offsets, counts) + np.arange(int(counts.sum()))
    return places
