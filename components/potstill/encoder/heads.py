"""How many attention heads each layer has, and how wide one is, of every family."""

from transformers import PretrainedConfig


def attention_heads(config: PretrainedConfig) -> tuple[int, tuple[int, ...]]:
    """Return the channels of one head, and the number of heads of each layer.

    A layer's queries, keys and values are as wide as its heads together: in MobileBERT's bottlenecks and in pruned
    layers that is not the hidden width.
    """
    width = getattr(config, "true_hidden_size", config.hidden_size)
    size = getattr(config, "head_size", None) or width // config.num_attention_heads
    even = [config.num_attention_heads] * config.num_hidden_layers
    return size, tuple(getattr(config, "heads_per_layer", even))
