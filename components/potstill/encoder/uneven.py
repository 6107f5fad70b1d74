"""Configs of models whose layers differ: stock transformers must refuse them, not load them wrongly.

With `ignore_mismatched_sizes=True` a stock class makes random weights where shapes differ, and says so in a warning
only. It looks up the activation by name first. So the file names a sentence, which no library knows as an activation:
every stock class fails on it, with the way out in the message.
"""

from typing import Any

from transformers import PretrainedConfig

REFUSAL = "uneven layers: import potstill.encoder.pruned to open this checkpoint"


class UnevenConfig(PretrainedConfig):
    """A config that opens with potstill only; in memory it is like any other.

    In config.json `hidden_act` is REFUSAL, and `true_hidden_act` the activation. Files of potstill 0.1 have the
    activation itself in `hidden_act`; they open, too.
    """

    def __init__(self, true_hidden_act: str | None = None, **others: Any) -> None:
        if true_hidden_act is not None:
            others["hidden_act"] = true_hidden_act
        super().__init__(**others)

    def to_diff_dict(self) -> dict[str, Any]:
        """Return what config.json holds."""
        written: dict[str, Any] = super().to_diff_dict()
        return {**written, "hidden_act": REFUSAL, "true_hidden_act": written["hidden_act"]}
