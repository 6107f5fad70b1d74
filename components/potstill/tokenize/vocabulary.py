"""Dropping word pieces that the texts do not use: smaller embeddings, the same ids for all that is left.

WordPiece takes the longest known piece first. Where all pieces of a text are kept, it is cut as before; a dropped piece
is replaced by shorter ones, or its word by [UNK]. So texts are tokenised anew with the tokenizer that ships.
Source: arXiv:2010.05609 (Load What You Need); WordPiece as in arXiv:1810.04805.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from potstill.encoder.tokenizer import TOKENIZER, VOCABULARY, copy_tokenizer
from potstill.errors import InputError

KEPT = "vocabulary.json"
WORDPIECE = "WordPiece"
TOKENIZER_SETTINGS = "tokenizer_config.json"


def model_of(folder: Path) -> str:
    """Name the tokenizer's model: WordPiece, BPE, Unigram or WordLevel."""
    return str(_read(folder)["model"].get("type", WORDPIECE))


def kept_ids(folder: Path, counts: npt.NDArray[np.int64], min_count: int) -> list[int]:
    """List the ids to keep, in rising order: those seen often enough, and every special or added token.

    Args:
        folder: the tokenizer.
        counts: (vocabulary,) how often each id was seen.
        min_count: how often an id must have been seen, at least 1.

    Raises:
        InputError: a tokenizer other than WordPiece. BPE merges and Unigram scores hang on pieces that are seen in no
            text, so dropping by count would change how everything is cut. Or no piece is seen so often, and nothing
            but special tokens would be left.
    """
    if model_of(folder) != WORDPIECE:
        raise InputError(
            f"{folder} has a {model_of(folder)} tokenizer; only the vocabulary of WordPiece (BERT) can be pruned: "
            "pass --vocabulary-min-count 0"
        )
    body = _read(folder)
    always = {int(token["id"]) for token in body["added_tokens"]}
    always |= {int(each) for each in [body["model"]["vocab"].get(body["model"]["unk_token"])] if each is not None}
    frequent = {int(each) for each in np.flatnonzero(counts >= min_count)} - always
    if not frequent:
        most = int(np.delete(counts, sorted(always)).max(initial=0))
        raise InputError(
            f"no piece is seen {min_count} times outside the test split, the commonest {most} times; "
            f"pass at most --vocabulary-min-count {most}; 0 keeps the whole vocabulary"
        )
    return sorted(always | frequent)


def write_pruned(source: Path, kept: list[int], folder: Path) -> None:
    """Write the tokenizer with the kept pieces only; new id i is old id kept[i].

    Args:
        source: the tokenizer to prune.
        kept: old ids, rising.
        folder: gets tokenizer.json, vocab.txt, tokenizer_config.json, special_tokens_map.json and vocabulary.json.
    """
    copy_tokenizer(source, folder)
    new = {old: place for place, old in enumerate(kept)}
    body = _read(source)
    pieces = body["model"]["vocab"]
    body["model"]["vocab"] = {piece: new[old] for piece, old in pieces.items() if old in new}
    body["added_tokens"] = [{**token, "id": new[token["id"]]} for token in body["added_tokens"]]
    _renumber_frame(body.get("post_processor"), new)
    Tokenizer.from_str(json.dumps(body)).save(str(folder / TOKENIZER))
    _renumber_settings(folder / TOKENIZER_SETTINGS, new)
    write_vocabulary(folder)
    (folder / KEPT).write_text(json.dumps({"kept": kept}) + "\n")


def write_vocabulary(folder: Path) -> None:
    """Write vocab.txt, one piece a line in the order of the ids; only WordPiece has such a file."""
    if model_of(folder) == WORDPIECE:
        vocabulary: dict[str, int] = Tokenizer.from_file(str(folder / TOKENIZER)).get_vocab(with_added_tokens=True)
        lines = sorted(vocabulary, key=vocabulary.__getitem__)
        (folder / VOCABULARY).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _renumber_frame(frame: dict[str, Any] | None, new: dict[int, int]) -> None:
    """Renumber [CLS] and [SEP] where they are put around a text."""
    if frame is None:
        return
    for token in frame.get("special_tokens", {}).values():  # TemplateProcessing
        token["ids"] = [new[old] for old in token["ids"]]
    for name in ("cls", "sep"):  # BertProcessing
        if name in frame:
            frame[name] = [frame[name][0], new[frame[name][1]]]


def _renumber_settings(path: Path, new: dict[int, int]) -> None:
    """Renumber the list of special tokens that transformers keeps beside the tokenizer."""
    settings: dict[str, Any] = {"tokenizer_class": "BertTokenizer"}
    if path.is_file():
        settings = json.loads(path.read_text(encoding="utf-8"))
    if "added_tokens_decoder" in settings:
        tokens = settings["added_tokens_decoder"].items()
        settings["added_tokens_decoder"] = {str(new[int(old)]): token for old, token in tokens if int(old) in new}
    path.write_text(json.dumps(settings, indent=2, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


def _read(folder: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((folder / TOKENIZER).read_text(encoding="utf-8"))
    return body
