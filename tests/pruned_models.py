"""Tiny random models of every shape that pruning makes, each cut out of a stock one."""

import torch
from transformers import AutoModelForSequenceClassification, BertConfig, MobileBertConfig

from potstill.prune.surgery import cut, cut_hidden, cut_positions, drop_layers
from tests.conftest import LABELS

SHORT = 15  # below the 16 tokens that Optimum traces with
NAMED = {"id2label": dict(enumerate(LABELS)), "label2id": {label: i for i, label in enumerate(LABELS)}}
SIZES = {"num_hidden_layers": 3, "num_attention_heads": 4, "max_position_embeddings": 64, "initializer_range": 0.2}
NARROW = {"embedding_size": 16, "intra_bottleneck_size": 16, "num_attention_heads": 2}


def bert(vocabulary, attention="sdpa", seed=0):
    """A stock BERT of 3 layers, 4 heads of 8, 64 FFN neurons, with biases and norms that are not 0 and 1."""
    config = BertConfig(vocab_size=vocabulary, hidden_size=32, intermediate_size=64, **SIZES, **NAMED)
    return _random(config, attention, seed)


def mobilebert(vocabulary, seed=0):
    """A stock MobileBERT of 3 layers, each with four feed-forward networks of 40 neurons."""
    shape = {**SIZES, **NARROW, "hidden_size": 32, "intermediate_size": 40}
    return _random(MobileBertConfig(vocab_size=vocabulary, **shape, **NAMED), "eager", seed)


def _random(config, attention, seed):
    torch.manual_seed(seed)
    model = AutoModelForSequenceClassification.from_config(config, attn_implementation=attention).eval()
    for parameter in model.parameters():
        if parameter.ndim == 1:
            parameter.data += torch.randn_like(parameter) * 0.1
    return model


def some(size, number, seed=0):
    """`number` of `size` units, sorted, at random."""
    order = torch.randperm(size, generator=torch.Generator().manual_seed(seed))
    return torch.sort(order[:number]).values


def heads_and_neurons(model):
    """Cut [3, 1, 4] heads and [40, 24, 64] neurons out of a stock BERT."""
    return cut(model, [some(4, n) for n in (3, 1, 4)], [some(64, n, n) for n in (40, 24, 64)])


def mobile_neurons(model):
    """Cut other numbers of neurons for every feed-forward network of a stock MobileBERT."""
    return cut(model, [], [some(40, 8 + 2 * number, number) for number in range(12)])


def whole(model):
    """Every head."""
    return [torch.arange(4)] * model.config.num_hidden_layers


# What each of them is made by, of a stock model.
UNEVEN = {
    "heads": heads_and_neurons,
    "narrow": lambda model: cut_hidden(model, some(32, 24)),
    "odd": lambda model: cut_hidden(heads_and_neurons(model), some(32, 25)),
    "dropped": lambda model: drop_layers(heads_and_neurons(model), [0, 2]),
    "short": lambda model: cut_positions(heads_and_neurons(model), SHORT),
    "mobile": mobile_neurons,
    "mobile dropped": lambda model: cut_positions(drop_layers(mobile_neurons(model), [1, 2]), SHORT),
}
STOCK = {
    "same neurons": lambda model: cut(model, whole(model), [some(64, 40, n) for n in range(3)]),
    "dropped": lambda model: drop_layers(model, [0, 2]),
    "short": lambda model: cut_positions(model, SHORT),
    "as wide as its heads": lambda model: cut_hidden(
        cut(model, [some(4, 3, n) for n in range(3)], [torch.arange(64)] * 3), some(32, 24)
    ),
    "what is left is even": lambda model: drop_layers(heads_and_neurons(model), [2]),
    "mobile": lambda model: cut(model, [], [some(40, 24, n) for n in range(12)]),
    "mobile dropped": lambda model: cut_positions(drop_layers(model, [0, 2]), SHORT),
}


def start_of(name, vocabulary):
    """The stock model that a shape is cut out of."""
    return mobilebert(vocabulary) if name.startswith("mobile") else bert(vocabulary)


def uneven(name, vocabulary):
    """A model of one of UNEVEN."""
    return UNEVEN[name](start_of(name, vocabulary))


def stock(name, vocabulary):
    """A model of one of STOCK."""
    return STOCK[name](start_of(name, vocabulary))
