"""Executing every written package beside PyTorch, on real rows, and refusing what is not the same."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from potstill.coreml import Program
from potstill.data.batches import pad
from potstill.data.tokens import TEST, TokenTable, read_row_ids, read_split
from potstill.measure.coreml_session import cut, predict_coreml
from potstill.measure.parity import Logits, Parity, compare, refuse, require_agreement, require_close


class Proof:
    """The rows on which packages are compared, and what was found of each.

    Attributes:
        parity: distance from PyTorch, by format.
    """

    def __init__(self, tokens: Path, rows: int, length: int) -> None:
        """Take rows spread evenly over the test split.

        Args:
            tokens: `tokens/v1`.
            rows: how many, at most.
            length: tokens of a row, padding included; longer rows are cut.
        """
        table = read_split(tokens, TEST)
        chosen = np.unique(np.linspace(0, len(table) - 1, min(len(table), rows)).astype(np.int64))
        names = read_row_ids(tokens, TEST)
        self._ids, self._length = [names[row] for row in chosen], length
        self._table = cut(table.take(chosen), length)
        self.parity: dict[str, Parity] = {}

    def compare(self, name: str, program: Program, model: PreTrainedModel) -> None:
        """Execute a package on the rows, and the model that it was made from.

        Args:
            name: the format.
            program: the loaded package.
            model: what the package must compute, in float32: the checkpoint's weights for fp16, the weights moved onto
                their int8 grid for int8. Activations stay floats in both, as Core ML rounds none of them to int8.
        """
        found = predict_coreml(program, self._table, self._length)
        self.parity[name] = compare(found, _reference(model, self._table, self._length), self._ids)

    def require(self, tolerances: Mapping[str, float], agreement: float) -> None:
        """Refuse what is not the same.

        Args:
            tolerances: greatest difference of a logit, by format.
            agreement: smallest share of rows with PyTorch's label, in [0, 1].

        Raises:
            ParityError: naming every format with its figure and its worst rows.
        """
        offences: list[str] = []
        for name, each in self.parity.items():
            offences += require_close({name: each}, tolerances[name])
        offences += require_agreement(self.parity, agreement)
        refuse(offences, _way_out(tuple(self.parity)))


def _reference(model: PreTrainedModel, table: TokenTable, length: int) -> Logits:
    """PyTorch's logits on rows padded to the package's length: MobileBERT looks at the padding, too."""
    batch = pad(table, np.arange(len(table)), length)
    ids, mask = torch.from_numpy(batch.input_ids), torch.from_numpy(batch.attention_mask)
    with torch.inference_mode():
        found: Logits = model(input_ids=ids, attention_mask=mask).logits.numpy()
    return found


def _way_out(formats: Sequence[str]) -> str:
    loosened = " or ".join(f"--tolerance-{name}" for name in formats)
    return f"Leave the format out by --formats, or loosen {loosened} or --minimum-agreement"
