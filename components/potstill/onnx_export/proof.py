"""Running every written file beside PyTorch, and refusing what is not the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from potstill.data.tokens import TEST, TokenTable, read_row_ids, read_split
from potstill.encoder.checkpoint import load_classifier
from potstill.encoder.quantization import has_input_scales, is_quantized
from potstill.encoder.quantized_linears import load_quantized
from potstill.measure.onnx_session import open_session, predict_onnx
from potstill.measure.parity import Logits, Parity, compare, refuse, require_agreement, require_close
from potstill.measure.torch_session import predict_torch
from potstill.onnx_export.formats import FILES, FLOAT_FORMATS, INT8, INT8_FORMATS, INT8_QDQ
from potstill.onnx_export.int8_kernels import asked_int8, run_int8

BATCH = 16  # padded batches prove the mask and the dynamic axes


@dataclass(frozen=True)
class Proof:
    """What was found of each format.

    Attributes:
        parity: distance from PyTorch, by format.
        int8_linears: linears that onnxruntime computes in int8, by int8 format.
        int8_asked: linears that the file asks to compute in int8, by int8 format.
    """

    parity: dict[str, Parity]
    int8_linears: dict[str, int]
    int8_asked: dict[str, int]

    def require(self, tolerance_fp32: float, minimum_agreement_int8: float) -> None:
        """Refuse what is not the same.

        Args:
            tolerance_fp32: greatest difference of a logit in a float format.
            minimum_agreement_int8: smallest share of equal labels in an int8 format, in [0, 1].

        Raises:
            ParityError: naming every format with its figure and its worst rows.
        """
        floats = {name: each for name, each in self.parity.items() if name in FLOAT_FORMATS}
        int8 = {name: each for name, each in self.parity.items() if name in INT8_FORMATS}
        offences = [
            f"{name}: onnxruntime runs {self.int8_linears[name]} of {asked} linears as int8"
            for name, asked in self.int8_asked.items()
            if self.int8_linears[name] < asked
        ]
        offences += require_close(floats, tolerance_fp32) + require_agreement(int8, minimum_agreement_int8)
        refuse(offences, "Leave the format out by --formats, or loosen --tolerance-fp32 or --minimum-agreement-int8")


def prove(
    model: Path,
    tokens: Path,
    folder: Path,
    formats: Sequence[str],
    rows: int,
    threads: int,
    *,
    multi_label: bool = False,
) -> Proof:
    """Run each file on rows spread evenly over the test split and compare its logits with PyTorch's.

    Args:
        model: `checkpoint/v1` that the files were made from.
        tokens: `tokens/v1`.
        folder: where the files are.
        formats: names out of FILES.
        rows: how many rows, at most.
        threads: CPU threads of onnxruntime.
        multi_label: whether each label is a yes or no of its own; rows agree where all of them are equal.
    """
    table = read_split(tokens, TEST)
    chosen = np.unique(np.linspace(0, len(table) - 1, min(len(table), rows)).astype(np.int64))
    names, table = read_row_ids(tokens, TEST), table.take(chosen)
    ids, wanted = [names[row] for row in chosen], _references(model, table, formats)
    int8 = {name: folder / FILES[name] for name in formats if name in INT8_FORMATS}
    return Proof(
        parity={
            name: compare(_run(name, folder, table, threads), wanted[name], ids, multi_label=multi_label)
            for name in formats
        },
        int8_linears={name: run_int8(path) for name, path in int8.items()},
        int8_asked={name: asked_int8(onnx.load(path)) for name, path in int8.items()},
    )


def simulated(checkpoint: Path) -> set[str]:
    """The formats that compute what the checkpoint's own scales say, so that PyTorch can simulate them.

    INT8_QDQ always does. INT8 does where the checkpoint has scales of weights only: its inputs are then quantised as
    they come in both. To a checkpoint whose inputs have scales, or to a float one, INT8 is another way to compute its
    float weights; it is compared with those, and what it costs is part of the figure.
    """
    weights_only = is_quantized(checkpoint) and not has_input_scales(checkpoint)
    return {INT8, INT8_QDQ} if weights_only else {INT8_QDQ}


def _references(model: Path, table: TokenTable, formats: Sequence[str]) -> dict[str, Logits]:
    """PyTorch's logits: of the scaled model for the formats that it simulates, of the float one for all others."""
    found, scaled = {}, simulated(model).intersection(formats)
    if set(formats) - scaled:
        found = dict.fromkeys(formats, predict_torch(load_classifier(model), table, what="PyTorch"))
    if scaled:
        found |= dict.fromkeys(scaled, predict_torch(load_quantized(model), table, what="PyTorch int8"))
    return found


def _run(name: str, folder: Path, table: TokenTable, threads: int) -> Logits:
    # Int8 runs row by row, as on a phone: a dynamic scale would otherwise span the rows of a batch.
    batch = 1 if name in INT8_FORMATS else BATCH
    return predict_onnx(open_session(folder / FILES[name], threads), table, batch)
