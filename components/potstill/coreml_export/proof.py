"""Executing every written package beside PyTorch, on real rows, and refusing what is not the same."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from potstill.coreml import Program
from potstill.coreml.lengths import Lengths
from potstill.coreml_export.graphs.activations import Observed
from potstill.data.batches import pad
from potstill.data.tokens import TEST, TRAIN, TokenTable, read_row_ids, read_split
from potstill.measure.coreml_session import cut, predict_coreml
from potstill.measure.parity import Logits, Parity, compare, refuse, require_agreement, require_close


class Proof:
    """The rows on which packages are executed, and what was found of each.

    Attributes:
        parity: distance from PyTorch, by format.
    """

    def __init__(self, tokens: Path, rows: int, calibration_rows: int, lengths: Lengths) -> None:
        """Take rows spread evenly over the test split, and for calibration over the train split.

        Args:
            tokens: `tokens/v1`.
            rows: how many of the test split, at most.
            calibration_rows: how many of the train split, at most.
            lengths: that packages take; longer rows are cut.
        """
        self._table, chosen = _spread(tokens, TEST, rows, lengths)
        names = read_row_ids(tokens, TEST)
        self._ids, self._lengths = [names[row] for row in chosen], lengths
        self._tokens, self._calibration_rows = tokens, calibration_rows
        self.parity: dict[str, Parity] = {}

    def observe(self, program: Program) -> Observed:
        """Return the ranges of all values of a package, over the rows of the test split that are compared."""
        seen = Observed()
        predict_coreml(program, self._table, seen)
        return seen

    def calibrate(self, program: Program) -> Observed:
        """Return the ranges of all values of a package, over rows of the train split."""
        seen = Observed()
        table, _ = _spread(self._tokens, TRAIN, self._calibration_rows, self._lengths)
        predict_coreml(program, table, seen)
        return seen

    def compare(self, name: str, program: Program, model: PreTrainedModel) -> None:
        """Execute a package on the rows, and the model that it was made from.

        Args:
            name: the format.
            program: the loaded package.
            model: what the package must compute, in float32, with weights moved to what the compressed ones are.
        """
        found = predict_coreml(program, self._table)
        self.parity[name] = compare(found, self._reference(model), self._ids)

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
        refuse(offences, "Leave the format out by --formats, or loosen --tolerance or --minimum-agreement")

    def _reference(self, model: PreTrainedModel) -> Logits:
        """PyTorch's logits, each row padded as the package gets it: MobileBERT looks at the padding, too."""
        fitting = np.array([self._lengths.fitting(int(tokens)) for tokens in self._table.lengths])
        found = np.zeros((len(self._table), model.config.num_labels), np.float32)
        for length in np.unique(fitting):
            rows = np.flatnonzero(fitting == length)
            batch = pad(self._table, rows, int(length))
            ids, mask = torch.from_numpy(batch.input_ids), torch.from_numpy(batch.attention_mask)
            with torch.inference_mode():
                found[rows] = model(input_ids=ids, attention_mask=mask).logits.numpy()
        return found


def _spread(tokens: Path, split: str, rows: int, lengths: Lengths) -> tuple[TokenTable, list[int]]:
    table = read_split(tokens, split)
    chosen = np.unique(np.linspace(0, len(table) - 1, min(len(table), rows)).astype(np.int64))
    return cut(table.take(chosen), lengths.longest), chosen.tolist()
