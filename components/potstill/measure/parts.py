"""Which part of a model a weight belongs to, told by its name."""

import re

# Weights bear the names of the modules that they come from; those of transformers' encoders are told apart by these.
LAYER = re.compile(r"(?:layers?[._]|attention_)(\d+)(?:[._]|$)")
EMBEDDINGS, HEAD, OTHER = "embeddings", "head", "other weights"
BEGINS = {"embedding": EMBEDDINGS, "pooler": HEAD, "classif": HEAD, "head": HEAD, "dense": HEAD, "out_proj": HEAD}


def part_of(name: str) -> str:
    """Return "layer 3" and the like, or one of EMBEDDINGS, HEAD, OTHER.

    Args:
        name: of a weight, or of what computes with it: `bert.encoder.layer.3.output.dense.weight`, as a checkpoint, an
            ONNX file or (with `_` for `.`) a Core ML package has it; of a fused attention `Attention_3`.
    """
    layer = LAYER.search(name.lower())
    if layer:
        return f"layer {layer[1]}"
    return next((part for word, part in BEGINS.items() if word in name.lower()), OTHER)
