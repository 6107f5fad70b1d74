"""What the manifest of teacher outputs tells, and the key that names what they answer."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import rfc8785

from potstill.artifacts import Artifact
from potstill.data.tokens import MULTI_LABEL
from potstill.training.teacher_outputs.layout import Kept

ANSWERED = ("tokens", "unlabelled", "labels", "max_length", MULTI_LABEL)  # what names the rows that were answered
Member = Mapping[str, str | float]  # teacher: digest; weight in [0, 1]; validation_accuracy in [0, 1]


def answered_rows(tokens: Artifact, unlabelled: Artifact | None = None) -> dict[str, Any]:
    """Tell which rows were answered.

    Args:
        tokens: tokens/v1.
        unlabelled: the further tokens/v1, when there is one.

    Returns: what ANSWERED names: the digests as `tokens` and `unlabelled`, the latter empty where there is none;
        `labels`, `max_length` and `multi_label` of the tokens.
    """
    return {
        "tokens": tokens.digest,
        "unlabelled": unlabelled.digest if unlabelled else "",
        "labels": list(tokens.meaning["labels"]),
        "max_length": tokens.meaning["max_length"],
        MULTI_LABEL: bool(tokens.meaning.get(MULTI_LABEL, False)),
    }


def describe(
    rows: Mapping[str, Any], parts: Mapping[str, int], kept: Kept, dtype: str, members: Sequence[Member]
) -> dict[str, Any]:
    """Make the `meaning` of a teacher-outputs/v1.

    Args:
        rows: which were answered, as `answered_rows` tells.
        parts: rows of each part.
        kept: what is kept.
        dtype: of the teacher's matrix products; several, joined by +, where members differ.
        members: the teachers whose logits were added, each times its weight.

    Returns: all of these, and `key`: SHA-256 (hex) over what decides the outputs.
    """
    made: dict[str, Any] = {
        "dtype": dtype,
        "keep": list(kept.names),
        "relation_layer": kept.relation_layer,
        "relation_heads": kept.relation_heads,
    }
    decisive: dict[str, Any] = {
        **{name: rows[name] for name in ("tokens", "unlabelled", "max_length")},
        "teachers": [{name: each[name] for name in ("teacher", "weight")} for each in members],
    }
    return {
        **rows,
        **made,
        "parts": dict(parts),
        "layers": kept.layers,
        "hidden": kept.hidden,
        "members": [dict(each) for each in members],
        "key": hashlib.sha256(rfc8785.dumps({**made, **decisive})).hexdigest(),
    }
