"""Checkpoints as PyTorch computes them."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from transformers import PreTrainedModel

from potstill.artifacts import Artifact
from potstill.data.batches import pad
from potstill.data.tokens import TokenTable
from potstill.encoder.checkpoint import WEIGHTS, load_classifier, parameter_count
from potstill.encoder.quantization import is_quantized
from potstill.encoder.quantized_linears import load_quantized
from potstill.measure.chunks import predict_in_chunks
from potstill.measure.torch_session import predict_torch
from potstill.validate.candidates import TITLES, Call, Candidate, Rows, Runner
from potstill.validate.models.weights import weights_by_part

Load = Callable[[Path], PreTrainedModel]
SIMULATED = "qat"  # int8 in float: slower than what it simulates, so that its time would tell nothing
CHUNK = 512  # rows between two steps of the progress line; 8 batches, so that rows of like length still meet


def torch_candidates(inputs: Mapping[str, Artifact], threads: int) -> list[Candidate]:
    """List teacher, student and pruned where they are given, and the model.

    A quantised model comes twice: `float` is its weights without the scales, which the float and the dynamic int8
    exports are made from; `qat` is what it computes with them.
    """
    folders = {name: inputs[name].path for name in ("teacher", "student", "pruned", "model") if name in inputs}
    if not is_quantized(folders["model"]):
        return [_candidate(name, folder, load_classifier, "", threads) for name, folder in folders.items()]
    model = folders.pop("model")
    plain = {**folders, "float": model}
    found = [_candidate(name, folder, load_classifier, "", threads) for name, folder in plain.items()]
    return [*found, _candidate(SIMULATED, model, load_quantized, "float", threads)]


def _candidate(name: str, folder: Path, load: Load, source: str, threads: int) -> Candidate:
    opened, runtime = partial(_open, name, folder, load, threads), "" if name == SIMULATED else "torch"
    return Candidate(name, folder / WEIGHTS, source, opened, partial(weights_by_part, folder / WEIGHTS), runtime)


def open_checkpoint(folder: Path) -> Runner:
    """Open a float checkpoint as the pruned one is."""
    return _open("pruned", folder, load_classifier, 1)


def _open(name: str, folder: Path, load: Load, threads: int) -> Runner:
    model = load(folder)
    predict = partial(predict_torch, model, what="")
    return Runner(
        predict=lambda table: predict_in_chunks(predict, table, CHUNK, threads, TITLES[name]),
        prepare=None if name == SIMULATED else partial(_prepare, model),
        parameters=parameter_count(model),
    )


def _prepare(model: PreTrainedModel, table: TokenTable, rows: Rows) -> Call:
    batch = pad(table, rows)
    ids, mask = torch.from_numpy(batch.input_ids), torch.from_numpy(batch.attention_mask)

    def call() -> object:
        with torch.inference_mode():
            return model(input_ids=ids, attention_mask=mask)

    return call
