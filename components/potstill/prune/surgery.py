"""Cutting heads and neurons out of a BERT, so that it is smaller and not just masked."""

import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification, BertConfig, PreTrainedModel

from potstill.encoder.pruned import MODEL_TYPE, PrunedBertConfig

LISTED = ("heads_per_layer", "ffn_per_layer", "head_size", "architectures")  # what another shape must not inherit


def cut(model: PreTrainedModel, heads: list[Tensor], neurons: list[Tensor]) -> PreTrainedModel:
    """Return a new model that has only the given heads and neurons.

    Args:
        model: a BERT-shaped classifier.
        heads: per layer, sorted indices of the heads that stay.
        neurons: per layer, sorted indices of the FFN neurons that stay.

    Returns: a stock BERT when its shape allows (all heads, one FFN width), else a PrunedBert.
    """
    size = model.bert.encoder.layer[0].attention.self.attention_head_size
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for layer, (kept_heads, kept_neurons) in enumerate(zip(heads, neurons, strict=True)):
        place = f"bert.encoder.layer.{layer}."
        channels = (kept_heads[:, None] * size + torch.arange(size)).reshape(-1)
        for name in ("query", "key", "value"):
            _rows(weights, f"{place}attention.self.{name}", channels)
        _columns(weights, f"{place}attention.output.dense", channels)
        _rows(weights, f"{place}intermediate.dense", kept_neurons)
        _columns(weights, f"{place}output.dense", kept_neurons)
    smaller = _shell(model, [len(each) for each in heads], [len(each) for each in neurons], size)
    smaller.load_state_dict(weights)
    return smaller.eval()


def _rows(weights: dict[str, Tensor], linear: str, kept: Tensor) -> None:
    weights[f"{linear}.weight"] = weights[f"{linear}.weight"][kept]
    weights[f"{linear}.bias"] = weights[f"{linear}.bias"][kept]


def _columns(weights: dict[str, Tensor], linear: str, kept: Tensor) -> None:
    weights[f"{linear}.weight"] = weights[f"{linear}.weight"][:, kept]


def _shell(model: PreTrainedModel, heads: list[int], neurons: list[int], size: int) -> PreTrainedModel:
    """An empty model of the new shape, with the attention implementation of the old one."""
    old = {key: value for key, value in model.config.to_dict().items() if key not in LISTED}
    stock = len(set(neurons)) == 1 and all(number * size == old["hidden_size"] for number in heads)
    if stock:
        config = BertConfig.from_dict({**old, "model_type": "bert", "intermediate_size": neurons[0]})
    else:
        config = PrunedBertConfig.from_dict(
            {**old, "heads_per_layer": heads, "ffn_per_layer": neurons, "head_size": size, "model_type": MODEL_TYPE}
        )
    attention = model.config._attn_implementation  # noqa: SLF001 — transformers has no public name for it
    made: PreTrainedModel = AutoModelForSequenceClassification.from_config(config, attn_implementation=attention)
    return made
