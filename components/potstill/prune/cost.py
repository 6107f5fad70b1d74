"""What a model of some shape costs: parameters, bytes, operations, milliseconds. None of it needs the weights."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import AutoModelForSequenceClassification, PretrainedConfig, PreTrainedModel
from transformers.modeling_utils import no_init_weights

from potstill.errors import InputError
from potstill.latency_table.table import LatencyTable
from potstill.prune.shape import Shape
from potstill.prune.structure import layers

OF_EVERY_TOKEN = ("embeddings", "encoder")  # parts of the base model; a pooler and a classifier see the first token


def parameters(config: PretrainedConfig) -> int:
    """Count the parameters of a classifier with this config.

    Args:
        config: of a BERT, a MobileBERT, or one of them pruned; its number of labels counts, too.
    """
    return sum(each.numel() for each in _shell(config).parameters())


def weight_bytes(config: PretrainedConfig) -> int:
    """Bytes of the weights in float32, as they stand in `model.safetensors` behind its header."""
    return sum(each.numel() * each.element_size() for each in _shell(config).state_dict().values())


def flops(config: PretrainedConfig, length: int) -> int:
    """Operations that the matrix products of one row take; a multiplication and its addition are two.

    It is what `torch.utils.flop_counter.FlopCounterMode` counts while the eager model answers one row; sums, norms
    and activations count nothing there.

    Args:
        config: of a BERT, a MobileBERT, or one of them pruned.
        length: tokens of the row, special ones included, at least 1.
    """
    model = _shell(config)
    linears = sum(_tokens(model, name, length) * each.weight.numel() for name, each in _linears(model))
    # queries · keys and probabilities · values, each (length, width) by (width, length)
    products = sum(2 * length * length * _width(layer) for layer in layers(model))
    return 2 * (linears + products)


def latency_ms(shape: Shape, table: LatencyTable) -> float:
    """Predict the milliseconds of one row from what was measured: a base, and what each layer's sizes take.

    Between two measured sizes the line that joins them tells; below the smallest, the smallest itself, so that no
    more speed is promised than was seen. Sizes of the vocabulary and of the position table change nothing.

    Args:
        shape: the model's.
        table: measured on a model of the same family and widths.

    Raises:
        InputError: the table was measured on another kind of model, or on smaller layers.

    Source: arXiv:2302.04089 (ZipLM), §3.2.
    """
    offences = list(_unlike(shape, table))
    if offences:
        raise InputError(
            f"the latency table does not hold for this model: {'; '.join(offences)}; "
            "make one of this very checkpoint (potstill latency-table)"
        )
    return table.base_ms + _added(shape.heads, table.attention) + _added(shape.neurons, table.ffn)


def _shell(config: PretrainedConfig) -> PreTrainedModel:
    """Build the model without its numbers: torch's meta device has shapes alone."""
    with torch.device("meta"), no_init_weights():
        model: PreTrainedModel = AutoModelForSequenceClassification.from_config(config, attn_implementation="eager")
    return model


def _linears(model: PreTrainedModel) -> Iterator[tuple[str, nn.Linear]]:
    """The linears that a forward pass applies."""
    idle = tuple(_idle(model.config))
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and not name.endswith(idle):
            yield name, module


def _idle(config: PretrainedConfig) -> Iterator[str]:
    """Linears that a MobileBERT has and, by its config, does not use."""
    if not getattr(config, "trigram_input", True) and config.embedding_size == config.hidden_size:
        yield "embedding_transformation"
    if getattr(config, "use_bottleneck_attention", False):  # it attends on what the input's bottleneck gives
        yield "bottleneck.attention.dense"


def _tokens(model: PreTrainedModel, name: str, length: int) -> int:
    inside = name.removeprefix(f"{model.base_model_prefix}.").split(".")[0]
    return length if inside in OF_EVERY_TOKEN else 1


def _width(layer: Any) -> int:
    return int(layer.attention.self.all_head_size)


def _unlike(shape: Shape, table: LatencyTable) -> Iterator[str]:
    for name in ("family", "hidden", "head_size"):
        given, wanted = getattr(shape, name), getattr(table, name)
        if given != wanted:
            yield f"{name} is {given}, in the table {wanted}"
    for name, sizes, measured in (("heads", shape.heads, table.attention), ("neurons", shape.neurons, table.ffn)):
        if max(sizes) > max(measured):
            yield f"a layer has {max(sizes)} {name}, the table goes to {max(measured)}"


def _added(sizes: tuple[int, ...], measured: dict[int, float]) -> float:
    return float(np.interp(sizes, list(measured), list(measured.values())).sum())
