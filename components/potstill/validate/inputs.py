"""What validate reads: sealed artifacts that belong together, and the test rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from potstill.artifacts import CHECKPOINT, COREML, ONNX, TOKENS, Artifact, expect
from potstill.data.tokens import NO_LABEL, TEST, TokenTable, read_row_ids, read_split, read_texts
from potstill.encoder.checkpoint import read_config
from potstill.encoder.multi_label import refuse_multi_label
from potstill.encoder.positions import longest_input
from potstill.errors import InputError
from potstill.validate.models.words import reads_other_words

KINDS = {
    "tokens": TOKENS,
    "model": CHECKPOINT,
    "teacher": CHECKPOINT,
    "student": CHECKPOINT,
    "pruned": CHECKPOINT,
    "onnx": ONNX,
    "package": COREML,
}


@dataclass(frozen=True)
class TestRows:
    """The rows that every model is judged on.

    Attributes:
        table: token ids and labels; every row has a label.
        texts: the text of each row.
        row_ids: the id of each row.
        whole: rows of the whole test split; these may be some of them.
    """

    table: TokenTable
    texts: list[str]
    row_ids: list[str]
    whole: int


def expect_inputs(folders: Mapping[str, Path | None]) -> dict[str, Artifact]:
    """Read every artifact that is given, and prove that they belong together.

    Raises:
        ArtifactError: not sealed, of another kind, changed.
        InputError: a model with other labels than the tokens, or a smaller vocabulary, or anything that is
            multi-label; all offenders are named.
    """
    found = {name: expect(path, KINDS[name]) for name, path in folders.items() if path is not None}
    refuse_multi_label("validate", *found.values())
    tokens = found["tokens"]
    offences = [_offence(name, each, tokens) for name, each in found.items() if name != "tokens"]
    if any(offences):
        raise InputError(f"{'; '.join(filter(None, offences))}; validate models with the tokens they were made for")
    return found


def _offence(name: str, artifact: Artifact, tokens: Artifact) -> str:
    labels, wanted = artifact.meaning["labels"], tokens.meaning["labels"]
    if labels != wanted:
        return f"{name} has the labels {', '.join(labels)}, the tokens have {', '.join(wanted)}"
    if artifact.kind != CHECKPOINT:
        return ""
    config = read_config(artifact.path)
    length, longest = longest_input(config.to_dict()), tokens.meaning["max_length"]
    if length is not None and length < longest:
        return f"{name} reads {length} tokens of a text at most, the tokens have up to {longest}"
    needed = tokens.meaning["vocabulary_size"]
    if config.vocab_size < needed and not reads_other_words(artifact.path, tokens.path):
        return f"{name} knows {config.vocab_size} tokens, the tokens have {needed}"
    return ""


def read_test(tokens: Path, rows: int) -> TestRows:
    """Read the test split, or `rows` of its rows, evenly spaced; 0: all.

    Raises:
        ArtifactError: there is no test split.
        InputError: a test row has no label.
    """
    whole = read_split(tokens, TEST)
    missing = int((whole.labels == NO_LABEL).sum())
    if missing:
        raise InputError(f"{missing} rows of the test split have no label; a test split is labelled throughout")
    texts, ids, chosen = read_texts(tokens, TEST), read_row_ids(tokens, TEST), spread(len(whole), rows or len(whole))
    return TestRows(whole.take(chosen), [texts[i] for i in chosen], [ids[i] for i in chosen], len(whole))


def pruned_of(inputs: Mapping[str, Artifact]) -> Artifact:
    """Return the checkpoint whose curve is shown: the pruned one; where none is given, the model."""
    return inputs.get("pruned", inputs["model"])


def spread(count: int, wanted: int) -> npt.NDArray[np.int64]:
    """Return min(count, wanted) indices in [0, count), evenly spaced and ascending."""
    some = min(count, wanted)
    return np.arange(some, dtype=np.int64) * count // some
