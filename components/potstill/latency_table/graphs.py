"""From a shape to something that can be timed: a random model of it, exported and opened by onnxruntime."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnx
from transformers import AutoModelForSequenceClassification, PretrainedConfig, PreTrainedModel

from potstill.data.batches import Batch
from potstill.encoder.checkpoint import EAGER_ONLY
from potstill.latency_table.config import INT8, LatencyTableConfig
from potstill.measure.onnx_session import feed, open_session
from potstill.onnx_export.graphs.optimize import optimize
from potstill.onnx_export.graphs.trace import trace
from potstill.onnx_export.int8.dynamic_int8 import quantize_dynamically
from potstill.prune.shape import Shape, config_of

OPSET = 17


def open_shape(like: PretrainedConfig, shape: Shape, config: LatencyTableConfig) -> Callable[[], object]:
    """Export a random model of a shape, and return the call that answers one row with it.

    The numbers in the weights change no time: every product is computed, whatever its factors.

    Args:
        like: config of the checkpoint; what a shape does not say is its.
        shape: the sizes.
        config: the options.
    """
    model = _random(config_of(like, shape))
    traced = trace(model, OPSET)
    graph = quantize_dynamically(traced, model) if config.format == INT8 else optimize(traced)[0]
    with tempfile.TemporaryDirectory() as work:
        file = Path(work) / "shape.onnx"
        onnx.save(graph, file)
        session = open_session(file, config.threads)
    row = feed({each.name for each in session.get_inputs()}, _row(config.length, shape.vocabulary))
    return partial(session.run, ["logits"], row)


def _random(config: PretrainedConfig) -> PreTrainedModel:
    attention = "eager" if config.model_type in EAGER_ONLY else "sdpa"
    model: PreTrainedModel = AutoModelForSequenceClassification.from_config(config, attn_implementation=attention)
    return model.eval()


def _row(length: int, vocabulary: int) -> Batch:
    ids = np.random.default_rng(0).integers(0, vocabulary, (1, length))
    return Batch(np.zeros(1, np.int64), ids, np.ones_like(ids), np.zeros(1, np.int64))
