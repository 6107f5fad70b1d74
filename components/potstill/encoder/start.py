"""From a starting checkpoint (any pretrained encoder) to a classifier for a token set's labels and vocabulary."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING, PreTrainedModel
from transformers import logging as transformers_logging

from potstill.artifacts import Artifact
from potstill.encoder.checkpoint import EAGER_ONLY, read_config, read_tensors
from potstill.encoder.multi_label import problem_type
from potstill.encoder.positions import longest_input
from potstill.encoder.tokenizer import TOKENIZER
from potstill.encoder.words import refuse_other_words
from potstill.errors import InputError

VOCABULARY = "vocabulary.json"  # in tokens/v1, when its vocabulary was pruned: {"kept": [old id of new id 0, 1, …]}
CLASSIFIER = "ForSequenceClassification"
HEADS = ("classifier.", "pre_classifier.")  # of every family
POOLER = ".pooler."  # not every pretraining has one; where it is missing, it is new, too


def start_classifier(start: Path, tokens: Artifact, *, keep_head: bool = False) -> PreTrainedModel:
    """Load a pretrained encoder with a classification head for the labels of a token set.

    The head is new and random (torch's seed decides), whatever head the checkpoint has; everything else must be in it.

    Args:
        start: Hugging Face checkpoint folder, with or without a head of its own.
        tokens: the token set; it gives the label names and, when its vocabulary was pruned, the embeddings to keep.
        keep_head: keep the checkpoint's own head when it was trained on these tokens: it is a classifier of these
            labels in this order, and its tokenizer is theirs, byte for byte.

    Raises:
        InputError: weights of the encoder are missing, or the vocabulary or length of the tokens does not fit it.
    """
    config = read_config(start)
    tensors = read_tensors(start)
    if not (keep_head and _trained_on(start, config, tokens)):
        tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith(HEADS)}
    config.id2label, config.label2id = label_names(tokens.meaning["labels"])
    config.problem_type = problem_type(tokens)
    model = _with_new_head(start, config, tensors)
    _fit_vocabulary(model, start, tokens)
    longest = longest_input(config.to_dict())
    if longest is not None and tokens.meaning["max_length"] > longest:
        raise InputError(
            f"{start} reads at most {longest} tokens, {tokens.path} has up to {tokens.meaning['max_length']}; "
            f"tokenize with --max-length {longest}"
        )
    return model


def load_encoder(start: Path, attention: str) -> PreTrainedModel:
    """Load a pretrained encoder under a head that is new, random and not to be read, in evaluation mode.

    Args:
        start: Hugging Face checkpoint folder, with or without a head of its own.
        attention: as `load_classifier` takes it.

    Raises:
        InputError: weights of the encoder are missing.
    """
    config = read_config(start)
    tensors = {name: tensor for name, tensor in read_tensors(start).items() if not name.startswith(HEADS)}
    return _with_new_head(start, config, tensors, "eager" if config.model_type in EAGER_ONLY else attention).eval()


def is_classifier(config: Any) -> bool:
    """Tell whether a checkpoint was fine-tuned to classify; every config has label names, meant or not."""
    return any(name.endswith(CLASSIFIER) for name in config.architectures or ())


def _with_new_head(
    start: Path, config: Any, tensors: dict[str, torch.Tensor], attention: str | None = None
) -> PreTrainedModel:
    transformers_logging.set_verbosity_error()  # its warning of a fresh head is what is meant here
    model, found = MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING[type(config)].from_pretrained(
        None,
        config=config,
        state_dict=tensors,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # refused just below, in one line
        attn_implementation=attention,
        dtype=torch.float32,
    )
    _refuse_gaps(start, found)
    return model


def label_names(labels: list[str]) -> tuple[dict[int, str], dict[str, int]]:
    """Return a config's id2label and label2id."""
    return dict(enumerate(labels)), {label: index for index, label in enumerate(labels)}


def _trained_on(start: Path, config: Any, tokens: Artifact) -> bool:
    names = [str(config.id2label[index]) for index in range(config.num_labels)]
    return is_classifier(config) and names == tokens.meaning["labels"] and _same_tokenizer(start, tokens.path)


def _refuse_gaps(start: Path, found: dict[str, Any]) -> None:
    # Of a mismatch transformers tells the name, in some versions with both shapes.
    mismatched = [each if isinstance(each, str) else each[0] for each in found["mismatched_keys"]]
    missing = [name for name in found["missing_keys"] if not name.startswith(HEADS) and POOLER not in name]
    gaps = sorted({*missing, *mismatched})
    if gaps:
        raise InputError(
            f"{start} lacks {len(gaps)} weights of the encoder, or has them in another shape, first {gaps[0]}; "
            "is it whole?"
        )


def _fit_vocabulary(model: PreTrainedModel, start: Path, tokens: Artifact) -> None:
    if _same_tokenizer(start, tokens.path):  # whatever was taken out of it was taken out before
        return
    embeddings, kept_file = model.get_input_embeddings(), tokens.path / VOCABULARY
    kept = json.loads(kept_file.read_text())["kept"] if kept_file.is_file() else []
    refuse_other_words(start, tokens.path, kept)
    if kept:
        keep_embeddings(model, kept)
    elif tokens.meaning["vocabulary_size"] > embeddings.num_embeddings:
        raise InputError(
            f"{tokens.path} uses {tokens.meaning['vocabulary_size']} token ids, {start} has "
            f"{embeddings.num_embeddings} embeddings; tokenize with this checkpoint's own tokenizer"
        )


def _same_tokenizer(start: Path, tokens: Path) -> bool:
    """Tell whether a checkpoint was made with these very tokens: every stage copies the tokenizer byte for byte."""
    one, other = start / TOKENIZER, tokens / TOKENIZER
    return one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes()


def keep_embeddings(model: PreTrainedModel, kept: list[int]) -> None:
    """Keep only the word embeddings of the old ids `kept`; new id i is old id kept[i].

    Raises:
        InputError: an old id is beyond the model's vocabulary.
    """
    old = model.get_input_embeddings()
    if max(kept) >= old.num_embeddings:
        raise InputError(
            f"the pruned vocabulary names token id {max(kept)}, the model has {old.num_embeddings} embeddings; "
            "tokenize with this checkpoint's own tokenizer"
        )
    padding = kept.index(old.padding_idx) if old.padding_idx in kept else None
    new = nn.Embedding(len(kept), old.embedding_dim, padding_idx=padding)
    new.weight.data = old.weight.data[torch.tensor(kept)].clone()
    model.set_input_embeddings(new)
    model.config.vocab_size = len(kept)
    model.config.pad_token_id = padding if padding is not None else model.config.pad_token_id
