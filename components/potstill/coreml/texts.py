"""From texts to what a package takes: its tokenizer lies beside it, its inputs say how long a text may be."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from potstill.coreml.digests import require_beside
from potstill.coreml.lengths import lengths_of
from potstill.coreml.model import Model
from potstill.errors import InputError

TOKENIZER = "tokenizer.json"
IDS = "input_ids"
FEEDS = (IDS, "attention_mask", "token_type_ids")

Arrays = dict[str, npt.NDArray[np.int32]]


def encoded(model: Model, texts: Sequence[str]) -> Iterator[Arrays]:
    """Turn each text into the inputs of a model: cut and padded to a length that it takes.

    Args:
        model: of a text classifier, opened from a package that has its tokenizer.json beside it.
        texts: to be encoded, one after the other.

    Raises:
        InputError: no tokenizer there, or a model that takes something else than tokens.
    """
    tokenizer, lengths = _tokenizer(model), lengths_of(model.inputs[IDS])
    for text in texts:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        length = lengths.fitting(len(tokenizer.encode(text).ids))
        tokenizer.enable_truncation(length)
        tokenizer.enable_padding(length=length)
        found = tokenizer.encode(text)
        rows = dict(zip(FEEDS, (found.ids, found.attention_mask, found.type_ids), strict=True))
        yield {name: np.array([rows[name]], np.int32) for name in model.inputs}


def _tokenizer(model: Model) -> Tokenizer:
    strange = sorted(set(model.inputs) - set(FEEDS))
    if strange or IDS not in model.inputs:
        raise InputError(
            f"{model.package.path} takes {', '.join(model.inputs)}, not the tokens of a text; pass them by --inputs"
        )
    file = model.package.path.absolute().parent / TOKENIZER
    if not file.is_file():
        raise InputError(f"{file} is missing; lay the model's own beside the package")
    require_beside(file, model.package.model.description.metadata.userDefined)
    try:
        return Tokenizer.from_str(file.read_text(encoding="utf-8"))
    except Exception as broken:  # tokenizers raises no narrower one
        raise InputError(f"{file} is no tokenizer ({broken}); lay the model's own beside the package") from broken


def read_texts(path: Path) -> list[str]:
    """Read a file of texts, a line each; empty lines are left out. Lines end as in any text file.

    Raises:
        InputError: the file cannot be read as UTF-8, or has no text.
    """
    try:
        texts = [line for line in path.read_text(encoding="utf-8-sig").split("\n") if line.strip()]
    except (OSError, UnicodeDecodeError) as broken:
        raise InputError(f"{path} cannot be read ({broken}); wanted are texts in UTF-8, a line each") from broken
    if not texts:
        raise InputError(f"{path} has no text; wanted is a text a line")
    return texts
