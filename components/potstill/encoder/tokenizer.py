"""The tokenizer's files in a folder: which they are, and copying them. Imports no torch, so tokenize can use it."""

import shutil
from pathlib import Path

TOKENIZER = "tokenizer.json"
VOCABULARY = "vocab.txt"
TOKENIZER_FILES = (TOKENIZER, "tokenizer_config.json", "special_tokens_map.json", VOCABULARY)


def copy_tokenizer(source: Path, folder: Path) -> None:
    """Copy the tokenizer's files from one folder to another, byte for byte."""
    for name in TOKENIZER_FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
