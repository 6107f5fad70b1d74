"""Whether an app that has the files alone reads texts as they were judged: with the tokenizer that lies beside them."""

from collections.abc import Mapping
from typing import Any

from tokenizers import Tokenizer

from potstill.artifacts import Artifact
from potstill.encoder.tokenizer import TOKENIZER
from potstill.validate.inputs import TestRows
from potstill.validate.models.reading import Reader

EXPORTS = ("onnx", "package")


def from_text(inputs: Mapping[str, Artifact], rows: TestRows) -> dict[str, Any]:
    """Cut every test text as an app does, with the library `tokenizers` and the file alone, and compare the ids.

    Args:
        inputs: what is judged; of the exports those that carry a tokenizer are looked at.
        rows: the test rows.

    Returns: by input, `rows` and how many of them have the `same` ids as those that were judged.
    """
    tokens = inputs["tokens"]
    return {
        name: {"rows": len(rows.texts), "same": _same(inputs[name], tokens, rows)}
        for name in EXPORTS
        if name in inputs and (inputs[name].path / TOKENIZER).is_file()
    }


def _same(export: Artifact, tokens: Artifact, rows: TestRows) -> int:
    tokenizer = Tokenizer.from_file(str(export.path / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.enable_truncation(int(tokens.meaning["max_length"]))
    table = Reader(export.path, tokens).read(rows)
    found = tokenizer.encode_batch_fast(rows.texts)
    return sum(each.ids == table.row(row).tolist() for row, each in enumerate(found))
