"""What pruning changes of a model, as numbers: a config's shape, and the plainest config that has a shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from transformers import BertConfig, MobileBertConfig, PretrainedConfig

from potstill.encoder.heads import attention_heads
from potstill.encoder.pruned import MODEL_TYPE, PrunedBertConfig
from potstill.encoder.pruned_mobilebert import MOBILE_MODEL_TYPE, PrunedMobileBertConfig
from potstill.errors import InputError

BERT, MOBILEBERT = "bert", "mobilebert"
FAMILIES = {BERT: BERT, MODEL_TYPE: BERT, MOBILEBERT: MOBILEBERT, MOBILE_MODEL_TYPE: MOBILEBERT}  # model type: family
ABSOLUTE = "absolute"  # positions: an embedding of each
# What a config of another shape must not inherit.
OF_THE_OLD = ("heads_per_layer", "ffn_per_layer", "head_size", "architectures", "model_type")


@dataclass(frozen=True)
class Shape:
    """Every size of a classifier that pruning may change.

    Attributes:
        family: "bert" or "mobilebert", stock or pruned.
        hidden: width of the residual stream.
        head_size: channels of one attention head.
        heads: attention heads of each layer. MobileBERT's are told, but never cut.
        neurons: of each feed-forward network, in order of execution: a BERT has one per layer, a MobileBERT four.
        layers: how many.
        vocabulary: rows of the word embeddings.
        positions: rows of the position embeddings.
    """

    family: str
    hidden: int
    head_size: int
    heads: tuple[int, ...]
    neurons: tuple[int, ...]
    layers: int
    vocabulary: int
    positions: int

    @property
    def neurons_by_layer(self) -> list[list[int]]:
        """Neurons of each layer's feed-forward networks."""
        each = len(self.neurons) // self.layers
        return [list(self.neurons[start : start + each]) for start in range(0, len(self.neurons), each)]


def shape_of(config: PretrainedConfig) -> Shape:
    """Read a shape off the config of a BERT or a MobileBERT, stock or pruned.

    Raises:
        InputError: another family, or positions that are not embeddings of their own.
    """
    family = FAMILIES.get(config.model_type, "")
    if not family:
        raise InputError(f"the model is {config.model_type}; pruning reads {', '.join(FAMILIES)}")
    if getattr(config, "position_embedding_type", ABSOLUTE) != ABSOLUTE:
        raise InputError(
            f"the model has position_embedding_type {config.position_embedding_type}; pruning reads {ABSOLUTE} ones"
        )
    size, heads = attention_heads(config)
    shared = {"layers": config.num_hidden_layers, "vocabulary": config.vocab_size}
    shared |= {"hidden": config.hidden_size, "positions": config.max_position_embeddings}
    return Shape(family, head_size=size, heads=heads, neurons=_neurons(config, family), **shared)


def config_of(old: PretrainedConfig, shape: Shape) -> PretrainedConfig:
    """Make the config of a shape, with everything else as in an old one: labels, activation, dropout.

    Args:
        old: of the model that is pruned.
        shape: of the same family.

    Returns: a stock config wherever one can say the shape, which then opens without potstill; else the pruned one.
    """
    settings = {key: value for key, value in old.to_dict().items() if key not in OF_THE_OLD}
    settings |= {
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": max(shape.heads),
        "intermediate_size": max(shape.neurons),
        "vocab_size": shape.vocabulary,
        "max_position_embeddings": shape.positions,
    }
    return _mobilebert(settings, shape) if shape.family == MOBILEBERT else _bert(settings, shape)


def _neurons(config: PretrainedConfig, family: str) -> tuple[int, ...]:
    networks = config.num_feedforward_networks if family == MOBILEBERT else 1
    even = [config.intermediate_size] * (config.num_hidden_layers * networks)
    listed = getattr(config, "ffn_per_layer", even)
    return tuple(chain.from_iterable(listed) if config.model_type == MOBILE_MODEL_TYPE else listed)


def _bert(settings: Mapping[str, Any], shape: Shape) -> PretrainedConfig:
    settings = {key: value for key, value in settings.items() if key != "embedding_size"}  # a pruned BERT's alone
    even = len(set(shape.neurons)) == 1
    if even and all(heads * shape.head_size == shape.hidden for heads in shape.heads):
        stock: PretrainedConfig = BertConfig.from_dict(dict(settings))
        return stock
    lists = {"heads_per_layer": list(shape.heads), "ffn_per_layer": list(shape.neurons), "head_size": shape.head_size}
    return PrunedBertConfig.from_dict({**settings, **lists})


def _mobilebert(settings: Mapping[str, Any], shape: Shape) -> PretrainedConfig:
    if len(set(shape.neurons)) == 1:
        stock: PretrainedConfig = MobileBertConfig.from_dict(dict(settings))
        return stock
    return PrunedMobileBertConfig.from_dict({**settings, "ffn_per_layer": shape.neurons_by_layer})


def refuse_cuts(config: PretrainedConfig, *, head_sparsity: float, hidden_sparsity: float) -> None:
    """Refuse cuts that a MobileBERT does not bear; a BERT bears them all.

    * Heads: each block of the published model has only 4, in a bottleneck of 128 channels, and queries and keys read
      one shared projection into it. All 4 hold about a seventh of the block's weights, its four feed-forward networks
      about five eighths. onnxruntime fuses no attention of it either, so a head less saves next to no time.
    * Hidden width: BERT normalises what is left of its stream after each sublayer. MobileBERT's NoNorm scales each
      channel by a constant instead, so nothing brings the sums back into range when channels go, and the error is
      handed on through all blocks. The width of the bottleneck is that of its heads together, and stays with them.

    Args:
        config: of a BERT or a MobileBERT, stock or pruned.
        head_sparsity: share of the heads to remove, in [0, 1).
        hidden_sparsity: share of the hidden width to remove, in [0, 1).

    Raises:
        InputError: a MobileBERT is to lose heads or hidden width, or the family is another one.
    """
    if shape_of(config).family != MOBILEBERT:
        return
    reasons = []
    if head_sparsity:
        few = f"a block has only {config.num_attention_heads}, with few of its weights"
        reasons.append(f"head_sparsity must be 0, got {head_sparsity:g}: {few}")
    if hidden_sparsity:
        fixed = "NoNorm is a fixed scale, so nothing would rescale a stream that lost channels"
        reasons.append(f"hidden_sparsity must be 0, got {hidden_sparsity:g}: {fixed}")
    if reasons:
        raise InputError(f"of a MobileBERT {'; '.join(reasons)}. Vocabulary, positions, FFN and whole layers can go")
