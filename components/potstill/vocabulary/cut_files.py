"""The files of a tokenizer with fewer pieces: new ids without gaps, everything else as it was."""

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from potstill.encoder.tokenizer import TOKENIZER, VOCABULARY, copy_tokenizer
from potstill.errors import InputError

KEPT = "vocabulary.json"
WORDPIECE = "WordPiece"
TOKENIZER_SETTINGS = "tokenizer_config.json"


def model_of(folder: Path) -> str:
    """Name the tokenizer's model: WordPiece, BPE, Unigram or WordLevel."""
    return str(_read(folder)["model"].get("type", WORDPIECE))


def require_wordpiece(folder: Path) -> None:
    """Refuse a tokenizer other than WordPiece.

    BPE merges and Unigram scores hang on pieces that are seen in no text, so dropping by count would change how
    everything is cut.

    Raises:
        InputError: it is none of WordPiece.
    """
    if model_of(folder) != WORDPIECE:
        raise InputError(
            f"{folder} has a {model_of(folder)} tokenizer; only the vocabulary of WordPiece (BERT) can be pruned: "
            "pass --vocabulary-min-count 0 and --vocabulary-coverage 0"
        )


def write_cut(source: Path, kept: list[int], folder: Path) -> None:
    """Write the tokenizer with the kept pieces only; new id i is old id kept[i].

    Args:
        source: the tokenizer to cut.
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
