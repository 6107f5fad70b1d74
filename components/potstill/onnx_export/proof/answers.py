"""What each file, and PyTorch, answers on the same rows."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from transformers import PreTrainedModel

from potstill.data.batches import Batch
from potstill.measure.onnx_session import INPUTS, answer_onnx, feed, fixed_shape, open_session
from potstill.onnx_export.config import FILES, INT8_FORMATS, SAFETENSORS, TORCHSCRIPT, OnnxExportConfig
from potstill.onnx_export.files.torchscript_file import open_torchscript
from potstill.onnx_export.graphs.trace import input_names
from potstill.onnx_export.proof.rows import ProofRows
from potstill.onnx_export.tasks import TASK, load_float, part_for
from potstill.progress import progress

Answer = npt.NDArray[np.float32]  # of one row: (labels,), or (tokens, hidden) without padding
Answering = Callable[[Batch], Answer]  # of a batch, padding and all

PADDED = 16  # padded batches prove the mask and the dynamic axes
EQUAL = 64


def answers_of_file(name: str, folder: Path, rows: ProofRows, config: OnnxExportConfig) -> list[Answer]:
    """Run one file by what its users run it with.

    Int8 runs row by row, as on a phone: a dynamic scale would otherwise span the rows of a batch.

    Args:
        name: a key of config.FILES.
        folder: where the files are.
        rows: what is asked.
        config: the options.
    """
    file, size = folder / FILES[name], 1 if name in INT8_FORMATS else PADDED
    if name == SAFETENSORS:
        return answers_of_model(load_float(file.parent), rows, config.task, name)
    if name == TORCHSCRIPT:
        script = open_torchscript(file)
        return _ordered(lambda batch: script(feed(set(INPUTS), batch)), rows.padded(size), len(rows.ids), name)
    session, output = open_session(file, config.threads), TASK[config.task].output
    size = fixed_shape(session)[0] or size
    return _ordered(lambda batch: answer_onnx(session, batch, output), rows.padded(size), len(rows.ids), name)


def answers_of_model(classifier: PreTrainedModel, rows: ProofRows, task: str, what: str) -> list[Answer]:
    """Run PyTorch on rows without padding.

    Args:
        classifier: with plain, frozen or dynamic linears; changed in place by tasks.part_for.
        rows: what is asked.
        task: one of config.TASKS.
        what: what the progress line says.
    """
    part = part_for(task, classifier)
    names = set(input_names(part, task))

    def answer(batch: Batch) -> Answer:
        inputs = {name: torch.from_numpy(value) for name, value in feed(names, batch).items()}
        with torch.inference_mode():
            found: Answer = getattr(part(**inputs), TASK[task].output).float().numpy()
        return found

    return _ordered(answer, rows.unpadded(EQUAL), len(rows.ids), what)


def _ordered(answering: Answering, batches: Iterable[Batch], count: int, what: str) -> list[Answer]:
    """Answer batch by batch, and put the rows back into their order, without their padding."""
    found: list[Answer] = [np.empty(0, np.float32)] * count
    for batch in progress(list(batches), what, unit="batch"):
        for row, answer, mask in zip(batch.rows, answering(batch), batch.attention_mask, strict=True):
            found[row] = answer[: mask.sum()] if answer.ndim == 2 else answer
    return found
