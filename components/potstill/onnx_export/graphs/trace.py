"""From PyTorch to an ONNX graph: Optimum's export of a classifier or its encoder."""

import tempfile
from pathlib import Path
from typing import Any

import onnx
from onnx import ModelProto, version_converter
from optimum.exporters.onnx import export
from optimum.exporters.tasks import TasksManager
from optimum.utils import DEFAULT_DUMMY_SHAPES
from transformers import PreTrainedModel

from potstill.encoder import pruned
from potstill.encoder.positions import longest_input
from potstill.encoder.pruned_mobilebert import MOBILE_MODEL_TYPE
from potstill.onnx_export.config import TEXT_CLASSIFICATION
from potstill.onnx_export.graphs.noise import without_noise
from potstill.onnx_export.graphs.silent_faults import refuse_moving, refuse_random
from potstill.onnx_export.tasks import TASK

NEWEST_TRACED = 20  # beyond, PyTorch's TorchScript exporter knows no operator set; onnx converts
FIRST_SDPA = 14  # below, scaled_dot_product_attention cannot be written
# A pruned model differs from a stock one in shapes only, and those lie in its weights.
EXPORTED_AS = {pruned.MODEL_TYPE: "bert", MOBILE_MODEL_TYPE: "mobilebert"}


def attention_for(opset: int) -> str:
    """Return the attention that can be exported, as `load_classifier` takes it."""
    return "sdpa" if opset >= FIRST_SDPA else "eager"


def trace(model: PreTrainedModel, opset: int, task: str = TEXT_CLASSIFICATION) -> ModelProto:
    """Export a model with named inputs and dynamic batch and sequence axes.

    Inputs are `input_ids`, `attention_mask` and, for families that have segments, `token_type_ids`, each int64
    (batch, tokens); the output is float32: `logits` (batch, labels), or `last_hidden_state` (batch, tokens, hidden).
    Weights keep the names of the model.

    Args:
        model: a classifier, or for feature-extraction its encoder, as `tasks.part_for` returns it; its fake-quantised
            linears become QuantizeLinear/DequantizeLinear pairs.
        opset: version of the ONNX operator set, in [13, 21].
        task: one of config.TASKS.

    Raises:
        ParityError: the graph answers by chance.
        ValueError: the model has linears whose ranges still move.
    """
    refuse_moving(model)
    traced = min(opset, NEWEST_TRACED)
    with tempfile.TemporaryDirectory() as work, without_noise():
        file = Path(work) / "traced.onnx"
        export(model.eval(), _exporter(model, task), file, opset=traced, input_shapes=_example(model))
        graph = onnx.load(file)
    refuse_random(graph)
    return graph if traced == opset else version_converter.convert_version(graph, opset)


def input_names(model: PreTrainedModel, task: str) -> list[str]:
    """Return the inputs of a model's files, in their order."""
    return list(_exporter(model, task).inputs)


def _exporter(model: PreTrainedModel, task: str) -> Any:
    """Optimum's description of a family: which inputs and outputs it has, and their axes."""
    family = EXPORTED_AS.get(model.config.model_type, model.config.model_type)
    constructor = TasksManager.get_exporter_config_constructor(
        "onnx", model_type=family, task=TASK[task].known_as, library_name="transformers"
    )
    return constructor(model.config)


def _example(model: PreTrainedModel) -> dict[str, int]:
    """Shape of the inputs to trace with: Optimum's own, or shorter where the table of positions is."""
    wanted = DEFAULT_DUMMY_SHAPES["sequence_length"]
    return {"sequence_length": min(wanted, longest_input(model.config.to_dict()) or wanted)}
