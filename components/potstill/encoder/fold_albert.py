"""A factorised ALBERT of albert_zh becomes a plain BERT with the same answers, which every stage can cut and export.

albert_zh's tiny is no Hugging Face ALBERT: its position and segment embeddings have the hidden width already, and only
the word embeddings are factorised. So their two factors multiply to one table, the one shared layer is copied, and
what is left is BERT: post-LayerNorm, eps 1e-12. Source: brightmart/albert_zh (modeling.py) and its port
lonePatient/albert_pytorch (albert_chinese_pytorch/model/modeling_albert.py), arXiv:1909.11942.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from potstill.encoder.checkpoint import CONFIG, WEIGHTS
from potstill.encoder.pickled import PICKLED, read_pickled
from potstill.encoder.tensor_file import save_tensors

WORDS, PROJECTION = "bert.embeddings.word_embeddings.weight", "bert.embeddings.word_embeddings_2.weight"
SHARED = "bert.encoder.layer_shared."
# The port ties the output embeddings to the input's when it builds the model; what the file has here was never trained
# (measured on eight sentences: masked-LM cross-entropy 9.9 nats a token with it, as guessing; 4.1 with the tied ones).
STALE = ("cls.predictions.decoder.weight", "cls.predictions.project_layer.weight")
SETTINGS = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "max_position_embeddings",
    "type_vocab_size",
    "initializer_range",
)


def fold_albert_folder(folder: Path) -> None:
    """Replace config and weights of an albert_zh model by those of the BERT that computes the same, in place."""
    settings = json.loads((folder / CONFIG).read_text())
    tensors = fold_tensors(read_pickled(folder / PICKLED), settings["num_hidden_layers"])
    (folder / CONFIG).write_text(json.dumps(fold_settings(settings), indent=2) + "\n")
    save_tensors(tensors, folder / WEIGHTS)
    (folder / PICKLED).unlink()


def fold_settings(albert: Mapping[str, Any]) -> dict[str, Any]:
    """Return the BERT's config.json. GELU is the port's exact one (the original's tanh form moves no third digit)."""
    bert = {"architectures": ["BertForPreTraining"], "model_type": "bert", "layer_norm_eps": 1e-12}
    return {**bert, **{name: albert[name] for name in SETTINGS}}


def fold_tensors(albert: Mapping[str, Tensor], layers: int) -> dict[str, Tensor]:
    """Return the BERT's tensors.

    Args:
        albert: the state dict; W1 (vocabulary, embedding) and W2 (hidden, embedding) are folded into W1·W2ᵀ.
        layers: how often the shared layer is applied.
    """
    words = (albert[WORDS].double() @ albert[PROJECTION].double().T).float()  # rounded once
    own = {name: each for name, each in albert.items() if name not in (WORDS, PROJECTION, *STALE)}
    bert = {WORDS: words, **{name: each for name, each in own.items() if not name.startswith(SHARED)}}
    for layer in range(layers):
        place = f"bert.encoder.layer.{layer}."
        bert |= {name.replace(SHARED, place): each for name, each in own.items() if name.startswith(SHARED)}
    # Tensors of their own, row after row: the port saved transposed views, and the layers must not share.
    return {name: each.clone(memory_format=torch.contiguous_format) for name, each in bert.items()}
