"""What a model computes inside: hidden states, and the queries, keys and values of its attention."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

# The last part of the path of attention's three projections; DistilBERT has names of its own.
PROJECTIONS = {
    "query": "queries",
    "key": "keys",
    "value": "values",
    "q_lin": "queries",
    "k_lin": "keys",
    "v_lin": "values",
}


@dataclass
class Internals:
    """One forward pass from inside.

    Attributes:
        logits: (rows, labels).
        hidden: (rows, tokens, hidden) each: the embeddings first, then every layer's output. MobileBERT's are those
            between its blocks, of the full width.
        queries: (rows, tokens, width) of every layer's attention; width is that of the hidden states but in
            MobileBERT's bottlenecks and in layers that lost heads by pruning.
        keys: likewise.
        values: likewise.
        heads: attention heads of every layer; each divides its layer's width.
    """

    logits: Tensor
    hidden: tuple[Tensor, ...]
    queries: list[Tensor] = field(default_factory=list)
    keys: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)
    heads: tuple[int, ...] = ()


def run_with_internals(model: nn.Module, input_ids: Tensor, attention_mask: Tensor) -> Internals:
    """Run a Hugging Face classifier of the BERT family, and keep what it computes on the way.

    The projections are seen by hooks, so the attention itself may be a fused kernel that never forms its scores.
    ALBERT calls one shared layer several times: hooks see every call.

    Args:
        model: the classifier, in whichever mode it is.
        input_ids: (rows, tokens) int64.
        attention_mask: (rows, tokens), 1 for a token and 0 for padding.
    """
    with _watching(model) as seen:
        output = model(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True)
    heads = tuple(_heads(model.config, each.shape[-1]) for each in seen["queries"])
    return Internals(output.logits, output.hidden_states, **seen, heads=heads)


def _heads(config: Any, width: int) -> int:
    size = getattr(config, "head_size", 0)  # a pruned model's layers differ in heads, not in the width of one
    return int(width // size if size else config.num_attention_heads)


@contextmanager
def _watching(model: nn.Module) -> Iterator[dict[str, list[Tensor]]]:
    seen: dict[str, list[Tensor]] = {"queries": [], "keys": [], "values": []}
    handles = [
        module.register_forward_hook(lambda _module, _args, output, into=seen[PROJECTIONS[last]]: into.append(output))
        for name, module in model.named_modules()
        if (last := name.rpartition(".")[2]) in PROJECTIONS and isinstance(module, nn.Linear)
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
