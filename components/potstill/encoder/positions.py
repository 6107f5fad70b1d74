"""How many tokens a model can read: its learned positions. Imports no torch, so tokenize can use it."""

from collections.abc import Mapping
from typing import Any

ROBERTA, ROBERTA_PADDING = "roberta", 1  # the id that RobertaConfig has where config.json names none


def longest_input(settings: Mapping[str, Any]) -> int | None:
    """Return the most tokens that a model reads, [CLS] and [SEP] included; None where its config does not say.

    RoBERTa numbers positions from its padding id plus one, so that many of them are never used: 512 of 514.

    Args:
        settings: the model's config.json.
    """
    positions = settings.get("max_position_embeddings")
    if positions is None or settings.get("model_type") != ROBERTA:
        return positions
    padding = settings.get("pad_token_id", ROBERTA_PADDING)
    return int(positions) - int(padding) - 1
