"""What is judged: each model in each format, how to open it and how to run it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from potstill.coreml_export.formats import FLOAT as COREML_FLOAT
from potstill.coreml_export.formats import TITLES as COREML_TITLES

if TYPE_CHECKING:  # who judges figures again, as release does, opens no table
    from potstill.data.tokens import TokenTable
    from potstill.measure.chunks import Logits

TITLES = {
    "majority": "Majority class",
    "tfidf": "TF-IDF + logistic regression",
    "control": "Student, no distillation",
    "teacher": "Teacher",
    "student": "Student",
    "pruned": "Pruned",
    "model": "Model",
    "float": "Quantized, as float",
    "qat": "Quantized",
    "onnx_fp32": "ONNX fp32",
    "onnx_optimized": "ONNX fp32, fused",
    "onnx_int8": "ONNX int8",
    "onnx_int8_qdq": "ONNX int8 QDQ",
    **{f"coreml_{name}": f"Core ML {title}" for name, title in COREML_TITLES.items()},
}
COMPRESSED = tuple(f"coreml_{name}" for name in COREML_TITLES if name not in COREML_FLOAT)
FOR_PHONES = ("onnx_int8", "onnx_int8_qdq", *COMPRESSED)  # what a phone would carry, best known first


Call = Callable[[], object]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Runner:
    """An open model.

    Attributes:
        predict: gives (rows, labels) float32 logits of a table.
        prepare: for (table, row indices) gives the call that computes these rows as one batch, with its inputs laid out
            already; None where the time taken here would tell nothing.
        batch: rows of a call of a file that takes so many and no others; 0: any number.
        tokens: likewise, of a row.
        parameters: number of parameters; 0 where only the file's source knows.
    """

    predict: "Callable[[TokenTable], Logits]"
    prepare: "Callable[[TokenTable, Rows], Call] | None"
    batch: int = 0
    tokens: int = 0
    parameters: int = 0


@dataclass(frozen=True)
class Candidate:
    """One model in one format.

    Attributes:
        name: a key of TITLES.
        file: what it weighs on disk: the weights of a checkpoint, an ONNX file, an `.mlpackage` folder.
        source: the PyTorch candidate that it should compute the same as; empty where it has none.
        open: opens it.
        parts: bytes of its weights by the part of the model that they belong to, as `measure.parts` names them.
        runtime: what opens it in a process of its own, a key of `measure.footprint.RUNTIMES`; empty where that would
            tell nothing.
    """

    name: str
    file: Path
    source: str
    open: Callable[[], Runner]
    parts: Callable[[], Mapping[str, int]]
    runtime: str = ""

    @property
    def folder(self) -> Path:
        """The artifact that it lies in, with the tokenizer that it reads."""
        return self.file.parent


def is_export(name: str) -> bool:
    """Tell whether a candidate is an exported file, of any precision."""
    return name.startswith(("onnx_", "coreml_"))
