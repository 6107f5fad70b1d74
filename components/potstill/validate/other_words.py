"""Models with another tokenizer than the tokens: each is judged on the same texts, cut into its own word pieces."""

from pathlib import Path

import numpy as np

from potstill.data.tokens import TokenTable
from potstill.encoder.tokenizer import TOKENIZER
from potstill.vocabulary.encoding import load_encoder


def reads_other_words(model: Path, tokens: Path) -> bool:
    """Tell whether an artifact's tokenizer differs from that of the tokens: one id means another piece in each.

    Every stage copies the tokenizer byte for byte; prune and tokenize write another where they cut a vocabulary.

    Args:
        model: a folder of a checkpoint, ONNX files or Core ML packages; without a tokenizer, it reads the tokens' own.
        tokens: a tokens/v1 folder.
    """
    own, theirs = model / TOKENIZER, tokens / TOKENIZER
    return own.is_file() and theirs.is_file() and own.read_bytes() != theirs.read_bytes()


def cut_anew(table: TokenTable, texts: list[str], model: Path, max_length: int) -> TokenTable:
    """Return the same rows and labels, with the ids that a model's own tokenizer gives.

    Args:
        table: the rows.
        texts: the text of each.
        model: the folder that holds the tokenizer.
        max_length: most tokens of a row.
    """
    encoded = load_encoder(model, max_length).encode(texts)
    offsets = np.concatenate([[0], np.cumsum(encoded.lengths)]).astype(np.int64)
    return TokenTable(encoded.ids, offsets, table.labels)
