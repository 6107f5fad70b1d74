"""Tiny random classifiers of every family that coreml-export knows, as sealed checkpoints, and what they answer."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from potstill.artifacts import CHECKPOINT, expect, seal
from potstill.coreml import load_program
from potstill.data.tokens import TEST, read_split
from potstill.encoder.checkpoint import save_checkpoint
from potstill.encoder.pruned import PrunedBertConfig, PrunedBertForSequenceClassification
from potstill.licences import Licence
from potstill.measure.coreml_session import cut
from potstill.output_folder import creating
from tests.conftest import LABELS, MAKER, OPEN

DISTILBERT = {
    "num_hidden_layers": "n_layers",
    "hidden_size": "dim",
    "intermediate_size": "hidden_dim",
    "num_attention_heads": "n_heads",
}
FAMILIES = ("bert", "pruned", "roberta", "electra", "albert", "distilbert", "mobilebert")


def make_family(
    folder: Path,
    tokens: Path,
    family: str,
    licence: Licence = OPEN,
    loud: float = 1,
    change: Callable[[PreTrainedModel], None] | None = None,
    **more: object,
) -> Path:
    """Write a checkpoint/v1 with a tiny random classifier of a family.

    `loud` multiplies what lies inside FFNs; `change` changes the model; `more` goes into MobileBERT's config.
    """
    from transformers import AutoConfig, AutoModelForSequenceClassification

    torch.manual_seed(0)
    size = expect(tokens, "tokens/v1").meaning["vocabulary_size"]
    shape = {"num_hidden_layers": 2, "hidden_size": 32, "intermediate_size": 64, "max_position_embeddings": 64}
    common = {**shape, "vocab_size": size, "initializer_range": 0.2, "num_labels": 2, "num_attention_heads": 4}
    if family == "pruned":
        config = PrunedBertConfig(heads_per_layer=[3, 1], ffn_per_layer=[40, 24], head_size=8, **common)
        model = PrunedBertForSequenceClassification(config)
    elif family == "mobilebert":
        narrow = {"embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16, "num_attention_heads": 2}
        model = AutoModelForSequenceClassification.from_config(
            AutoConfig.for_model(family, **{**common, **narrow, **more})
        )
    else:
        named = DISTILBERT if family == "distilbert" else {}
        other = {"embedding_size": 16} if family in ("albert", "electra") else {}
        config = AutoConfig.for_model(
            family, **{named.get(name, name): value for name, value in common.items()}, **other
        )
        if family == "roberta":
            config.pad_token_id, config.type_vocab_size = 0, 1  # one segment, as roberta-base
        model = AutoModelForSequenceClassification.from_config(config)
    if loud != 1:
        first = model.base_model.encoder.layer[0]
        first.intermediate.dense.weight.data *= loud
        first.output.dense.weight.data /= loud
    if change:
        change(model)
    with creating(folder, CHECKPOINT):
        save_checkpoint(model, tokens, folder)
        return seal(folder, CHECKPOINT, MAKER, {}, {"labels": LABELS, "max_length": 32}, licence).path


def float32_logits(model, tokens: Path, length: int = 32) -> np.ndarray:
    """The slow and obvious reference: one padded row after the other."""
    table, found = read_split(tokens, TEST), []
    for index in range(len(table)):
        row = cut(table, length).row(index).tolist()
        ids, mask = row + [0] * (length - len(row)), [1] * len(row) + [0] * (length - len(row))
        with torch.inference_mode():
            found.append(model(input_ids=torch.tensor([ids]), attention_mask=torch.tensor([mask])).logits.numpy())
    return np.concatenate(found)


def int8_of(package: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the int8 weights (rows, columns) of a package before iOS 18, with their scales as they lie in it."""
    parts = [each.parts for each in load_program(package).weights if each.operators]
    data = [each["quantized_data"].numpy() for each in parts]
    return [(its.reshape(-1, its.shape[-1]), each["scale"].numpy()) for its, each in zip(data, parts, strict=True)]


def reached(name: str, rows: int = 32) -> slice:
    """Return which rows of a module's weight a package holds: of positions, those that a text can reach."""
    return slice(rows) if name.endswith("position_embeddings") else slice(None)
