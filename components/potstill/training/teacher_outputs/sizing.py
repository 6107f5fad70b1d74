"""What of a teacher can be kept: its layers, its width, and the heads that its relations are cut into."""

import torch
from transformers import PreTrainedModel

from potstill.errors import OptionError
from potstill.training.internals import run_with_internals
from potstill.training.teacher_outputs.layout import RELATIONS, Kept


def kept_of(teacher: PreTrainedModel, names: tuple[str, ...], layer: int = 0, heads: int = 0) -> Kept:
    """Resolve what is to be kept of a teacher.

    Args:
        teacher: the classifier, on the CPU.
        names: of KEPT, in that order.
        layer: of the relations, counted from 1; 0: the last.
        heads: relation heads; 0: as many attention heads as that layer has.

    Raises:
        OptionError: the teacher has no such layer, or its width cannot be cut into so many heads.
    """
    config = teacher.config
    sizes = {"labels": config.num_labels, "layers": config.num_hidden_layers, "hidden": config.hidden_size}
    if RELATIONS not in names:
        return Kept(names, **sizes)
    if layer > sizes["layers"]:
        raise OptionError(f"relation_layer must be at most {sizes['layers']}, the teacher's layers, got {layer}")
    layer = layer or sizes["layers"]
    width, own = _attention(teacher, layer - 1)
    heads = heads or own
    if width % heads:
        raise OptionError(f"relation_heads must divide {width}, the width of the teacher's queries, got {heads}")
    return Kept(names, **sizes, relation_layer=layer, relation_heads=heads)


def _attention(teacher: PreTrainedModel, layer: int) -> tuple[int, int]:
    """Width and number of heads of a layer's queries: pruned layers and MobileBERT's are narrower than the states."""
    token = torch.ones((1, 1), dtype=torch.int64)
    with torch.inference_mode():
        seen = run_with_internals(teacher, token, token)
    return seen.queries[layer].shape[-1], seen.heads[layer]
