"""From PyTorch to an ONNX graph: Optimum's export of a sequence classifier."""

import tempfile
from pathlib import Path

import onnx
from onnx import ModelProto
from optimum.exporters.onnx import export
from optimum.exporters.tasks import TasksManager
from optimum.utils import DEFAULT_DUMMY_SHAPES
from transformers import PreTrainedModel

from potstill.encoder import pruned
from potstill.encoder.positions import longest_input
from potstill.encoder.pruned_mobilebert import MOBILE_MODEL_TYPE
from potstill.onnx_export.noise import without_noise
from potstill.onnx_export.silent_faults import refuse_moving, refuse_random

TASK = "text-classification"
# A pruned model differs from a stock one in shapes only, and those lie in its weights.
EXPORTED_AS = {pruned.MODEL_TYPE: "bert", MOBILE_MODEL_TYPE: "mobilebert"}


def trace(model: PreTrainedModel, opset: int) -> ModelProto:
    """Export a classifier with named inputs and dynamic batch and sequence axes.

    Inputs are `input_ids`, `attention_mask` and, for families that have segments, `token_type_ids`, each int64
    (batch, tokens); the output is `logits`, float32 (batch, labels). Weights keep the names of the checkpoint.

    Args:
        model: the classifier; its fake-quantised linears become QuantizeLinear/DequantizeLinear pairs.
        opset: version of the ONNX operator set.

    Raises:
        ParityError: the graph answers by chance.
        ValueError: the model has linears whose ranges still move.
    """
    refuse_moving(model)
    family = EXPORTED_AS.get(model.config.model_type, model.config.model_type)
    exporter = TasksManager.get_exporter_config_constructor(
        "onnx", model_type=family, task=TASK, library_name="transformers"
    )
    with tempfile.TemporaryDirectory() as work, without_noise():
        file = Path(work) / "traced.onnx"
        export(model.eval(), exporter(model.config), file, opset=opset, input_shapes=_example(model))
        graph = onnx.load(file)
    refuse_random(graph)
    return graph


def _example(model: PreTrainedModel) -> dict[str, int]:
    """Shape of the inputs to trace with: Optimum's own, or shorter where the table of positions is."""
    wanted = DEFAULT_DUMMY_SHAPES["sequence_length"]
    return {"sequence_length": min(wanted, longest_input(model.config.to_dict()) or wanted)}
