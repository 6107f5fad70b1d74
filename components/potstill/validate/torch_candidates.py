"""Checkpoints as PyTorch computes them."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from potstill.artifacts import Artifact
from potstill.data.batches import pad
from potstill.data.tokens import TokenTable
from potstill.encoder.checkpoint import WEIGHTS, load_classifier, parameter_count
from potstill.encoder.quantization import is_quantized, load_quantized
from potstill.measure.torch_session import predict_torch
from potstill.validate.candidates import TITLES, Candidate, Runner


def torch_candidates(inputs: Mapping[str, Artifact]) -> list[Candidate]:
    """List teacher, student and pruned where they are given, and the model.

    A quantised model comes twice: `float` is its weights without the scales, which the float and the dynamic int8
    exports are made from; `qat` is what it computes with them.
    """
    before = [_candidate(name, inputs[name].path) for name in ("teacher", "student", "pruned") if name in inputs]
    model = inputs["model"].path
    if not is_quantized(model):
        return [*before, _candidate("model", model)]
    return [*before, _candidate("float", model), _candidate("qat", model, load_quantized, source="float")]


def _candidate(
    name: str, folder: Path, load: Callable[[Path], PreTrainedModel] = load_classifier, source: str = ""
) -> Candidate:
    return Candidate(name, folder / WEIGHTS, source, partial(_open, name, folder, load))


def _open(name: str, folder: Path, load: Callable[[Path], PreTrainedModel]) -> Runner:
    model = load(folder)
    return Runner(
        predict=partial(predict_torch, model, what=TITLES[name]),
        prepare=partial(_prepare, model),
        parameters=parameter_count(model),
    )


def _prepare(model: PreTrainedModel, table: TokenTable, row: int) -> Callable[[], object]:
    batch = pad(table, np.array([row]))
    ids, mask = torch.from_numpy(batch.input_ids), torch.from_numpy(batch.attention_mask)

    def call() -> object:
        with torch.inference_mode():
            return model(input_ids=ids, attention_mask=mask)

    return call
