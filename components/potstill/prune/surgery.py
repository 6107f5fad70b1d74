"""Cutting a model, so that it is smaller and not just masked; what stays keeps its weights bit for bit.

Each cut gives a new model in evaluation mode, on the device and with the attention of the old one: a stock BERT or
MobileBERT wherever that can have the shape, else a pruned one. Torch's random state is left as it was.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from potstill.errors import InputError
from potstill.prune.shape import Shape, config_of, shape_of
from potstill.prune.structure import attentions, feed_forwards, is_mobile

Weights = dict[str, Tensor]
# Modules of a BERT that add to the residual stream, or scale it: it is their rows.
WRITERS = ("output.dense", "pooler.dense", "LayerNorm")
# Modules that read it, and the embeddings that it begins with: it is their columns. The pooler does both.
READERS = ("_embeddings", "query", "key", "value", "intermediate.dense", "pooler.dense", "classifier")
POSITIONS = "embeddings.position_embeddings.weight"


def cut(model: PreTrainedModel, heads: list[Tensor], neurons: list[Tensor]) -> PreTrainedModel:
    """Return a model that has only the given heads and neurons.

    Args:
        model: a classifier, BERT or MobileBERT.
        heads: for each of `attentions(model)`, sorted indices of the heads that stay; none for MobileBERT.
        neurons: for each of `feed_forwards(model)`, sorted indices of the neurons that stay.

    Raises:
        InputError: a layer would be left without heads or neurons.
    """
    heads, neurons = _units(heads, "heads"), _units(neurons, "neurons")
    weights, names = _weights(model), {module: name for name, module in model.named_modules()}
    for attention, kept in zip(attentions(model), heads, strict=True):
        channels = (kept[:, None] * attention.head_size + torch.arange(attention.head_size)).reshape(-1)
        for linear in (attention.query, attention.key, attention.value):
            _rows(weights, names[linear], channels)
        _columns(weights, names[attention.output], channels)
    for network, kept in zip(feed_forwards(model), neurons, strict=True):
        _rows(weights, names[network.first], kept)
        _columns(weights, names[network.second], kept)
    shape = replace(shape_of(model.config), neurons=tuple(map(len, neurons)))
    return _filled(model, replace(shape, heads=tuple(map(len, heads))) if heads else shape, weights)


def drop_layers(model: PreTrainedModel, kept: Sequence[int]) -> PreTrainedModel:
    """Return a model of some of the layers.

    Args:
        model: a classifier, BERT or MobileBERT.
        kept: their numbers from 0, ascending.

    Raises:
        InputError: no layer would be left, or one is named that is not there.
    """
    shape, place = shape_of(model.config), f"{model.base_model_prefix}.encoder.layer."
    if not kept or not set(kept) <= set(range(shape.layers)):
        raise InputError(f"layers to keep must be some of 0 to {shape.layers - 1}, got {list(kept)}")
    old = _weights(model)
    weights = {name: tensor for name, tensor in old.items() if not name.startswith(place)}
    for new, number in enumerate(kept):
        start = f"{place}{number}."
        weights |= {f"{place}{new}.{name.removeprefix(start)}": old[name] for name in old if name.startswith(start)}
    neurons = tuple(count for number in kept for count in shape.neurons_by_layer[number])
    heads = tuple(shape.heads[number] for number in kept)
    return _filled(model, replace(shape, layers=len(kept), heads=heads, neurons=neurons), weights)


def cut_hidden(model: PreTrainedModel, kept: Tensor) -> PreTrainedModel:
    """Return a model whose residual stream has only the given channels, the same ones in every layer.

    LayerNorm then takes mean and variance over what stays, so the result is no mask of the old model: it wants
    recovery. Heads and FFN neurons stay as they are.

    Args:
        model: a BERT-shaped classifier.
        kept: (channels,) int64, sorted.

    Raises:
        InputError: a MobileBERT, or no channel would be left.
    """
    (kept,) = _units([kept], "channels")
    if is_mobile(model):
        raise InputError("the hidden width of a MobileBERT cannot be cut; potstill.prune.shape.refuse_cuts says why")
    weights = {name: _channels(name, tensor, kept) for name, tensor in _weights(model).items()}
    return _filled(model, replace(shape_of(model.config), hidden=len(kept)), weights)


def cut_positions(model: PreTrainedModel, length: int) -> PreTrainedModel:
    """Return a model that reads at most `length` tokens; where its table is no longer than that, all of it stays."""
    if length < 1:
        raise InputError(f"a model must read at least 1 token, got {length}")
    shape, weights = shape_of(model.config), _weights(model)
    name = f"{model.base_model_prefix}.{POSITIONS}"
    weights[name] = weights[name][:length]
    return _filled(model, replace(shape, positions=min(length, shape.positions)), weights)


def _weights(model: PreTrainedModel) -> Weights:
    return {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}


def _rows(weights: Weights, linear: str, kept: Tensor) -> None:
    weights[f"{linear}.weight"] = weights[f"{linear}.weight"][kept]
    weights[f"{linear}.bias"] = weights[f"{linear}.bias"][kept]


def _columns(weights: Weights, linear: str, kept: Tensor) -> None:
    weights[f"{linear}.weight"] = weights[f"{linear}.weight"][:, kept]


def _channels(name: str, tensor: Tensor, kept: Tensor) -> Tensor:
    """Take the channels that stay out of one weight or bias."""
    module = name.rpartition(".")[0]
    tensor = tensor[kept] if module.endswith(WRITERS) else tensor
    return tensor[:, kept] if module.endswith(READERS) and tensor.ndim > 1 else tensor


def _units(kept: list[Tensor], what: str) -> list[Tensor]:
    """Return the indices on the CPU, where models are cut."""
    empty = [number for number, each in enumerate(kept) if not len(each)]
    if empty:
        raise InputError(f"no {what} would be left in {', '.join(map(str, empty))}; keep at least one in each")
    return [each.cpu() for each in kept]


def _filled(model: PreTrainedModel, shape: Shape, weights: Weights) -> PreTrainedModel:
    """Make a model of a shape and give it its weights."""
    config, attention = config_of(model.config, shape), model.config._attn_implementation  # noqa: SLF001 — no public name
    with torch.random.fork_rng(devices=[]):  # its first weights are random, and thrown away
        made: PreTrainedModel = AutoModelForSequenceClassification.from_config(
            config, attn_implementation=attention, dtype=model.dtype
        )
    made.load_state_dict(weights)
    return made.to(model.device).eval()
