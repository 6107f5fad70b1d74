"""Whether a model has another tokenizer than the tokens that it is judged on."""

from pathlib import Path

from potstill.encoder.tokenizer import TOKENIZER


def reads_other_words(model: Path, tokens: Path) -> bool:
    """Tell whether an artifact's tokenizer differs from that of the tokens: one id means another piece in each.

    Every stage copies the tokenizer byte for byte; prune and tokenize write another where they cut a vocabulary.

    Args:
        model: a folder of a checkpoint, ONNX files or Core ML packages; without a tokenizer, it reads the tokens' own.
        tokens: a tokens/v1 folder.
    """
    own, theirs = model / TOKENIZER, tokens / TOKENIZER
    return own.is_file() and theirs.is_file() and own.read_bytes() != theirs.read_bytes()
