"""A `checkpoint/v1` is a Hugging Face directory: config.json, model.safetensors, tokenizer files; no pickle."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel

from potstill.encoder import pruned  # registers the model types of pruned models
from potstill.encoder.pruned_mobilebert import MOBILE_MODEL_TYPE
from potstill.encoder.scale_checks import SUFFIXES
from potstill.encoder.tensor_file import save_tensors
from potstill.encoder.tokenizer import copy_tokenizer
from potstill.errors import InputError

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
PRUNED = (pruned.MODEL_TYPE, MOBILE_MODEL_TYPE)
FAMILIES = ("bert", "mobilebert", "electra", "roberta", "distilbert", "albert", *PRUNED)
EAGER_ONLY = ("mobilebert", "electra", MOBILE_MODEL_TYPE)  # transformers has no other attention for them

# The Hugging Face hub is asked for nothing while a stage runs: what a stage reads is what it was given.
os.environ.setdefault("HF_HUB_OFFLINE", "1")


def load_classifier(path: Path, attention: str = "sdpa") -> PreTrainedModel:
    """Load a sequence classifier that potstill or `save_pretrained` wrote, in fp32, in evaluation mode.

    Every tensor of the model must be in the file with its shape; the scales of a quantised checkpoint are left aside,
    so this gives the float model (`potstill.encoder.quantized_linears.load_quantized` gives the other).

    Args:
        path: the checkpoint's folder.
        attention: "sdpa" for training and evaluation, "eager" where a tracer must see plain operators.

    Raises:
        InputError: no config or weights, pickled weights only, a family that potstill does not know, or weights
            that do not fit the config.
    """
    config = read_config(path)
    tensors = {name: tensor for name, tensor in read_tensors(path).items() if not is_scale(name)}
    if config.model_type in EAGER_ONLY:
        attention = "eager"
    model: PreTrainedModel = AutoModelForSequenceClassification.from_config(config, attn_implementation=attention)
    wanted = model.state_dict()
    offences = sorted(wanted.keys() ^ tensors.keys())
    offences += [name for name in wanted.keys() & tensors.keys() if wanted[name].shape != tensors[name].shape]
    if offences:
        raise InputError(
            f"{path}: weights and config do not fit: {', '.join(offences[:3])}"
            f"{f' and {len(offences) - 3} more' if len(offences) > 3 else ''}; "
            "wanted is a fine-tuned sequence classifier (potstill teacher-train makes one)"
        )
    model.load_state_dict(tensors)
    return model.float().eval()


def is_scale(name: str) -> bool:
    """Tell whether a tensor of a checkpoint is a quantisation scale or zero point, and no weight."""
    return name.endswith(SUFFIXES)


def read_config(path: Path) -> Any:
    """Read a checkpoint's config.json.

    Raises:
        InputError: no config.json, one that is no JSON object, or a family that potstill does not know.
    """
    if not (path / CONFIG).is_file():
        raise InputError(f"{path} has no {CONFIG}; wanted is a Hugging Face checkpoint folder")
    try:
        family = json.loads((path / CONFIG).read_bytes()).get("model_type", "")
    except (ValueError, AttributeError) as broken:
        raise InputError(
            f"{path / CONFIG} is not a JSON object; wanted is a Hugging Face checkpoint folder"
        ) from broken
    if family not in FAMILIES:
        raise InputError(f"{path} is a model of family {family!r}; families are: {', '.join(FAMILIES)}")
    return AutoConfig.from_pretrained(path, local_files_only=True)


def save_checkpoint(
    model: PreTrainedModel, tokenizer: Path, folder: Path, extra: Mapping[str, torch.Tensor] | None = None
) -> None:
    """Write config, weights and tokenizer files.

    Args:
        model: the classifier; its config carries the label names.
        tokenizer: a folder with the tokenizer's files, which are copied.
        folder: where to write.
        extra: further named tensors for the safetensors file (the scales of a quantised model).
    """
    model.config.architectures = [type(model).__name__]
    further = (extra or {}).items()
    model.config.save_pretrained(folder)
    # Each with memory of its own: safetensors refuses two names for one tensor.
    tensors = {name: tensor.detach().contiguous().clone() for name, tensor in [*model.state_dict().items(), *further]}
    save_tensors(tensors, folder / WEIGHTS)
    copy_tokenizer(tokenizer, folder)


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read every tensor of a checkpoint by name, the scales of a quantised one included.

    Raises:
        InputError: there is no safetensors file, or it is damaged.
    """
    with _opening(path):
        tensors: dict[str, torch.Tensor] = load_file(path / WEIGHTS)
    return tensors


def tensor_names(path: Path) -> list[str]:
    """Read the names of a checkpoint's tensors alone.

    Raises:
        InputError: as `read_tensors`.
    """
    with _opening(path), safe_open(path / WEIGHTS, framework="pt") as held:
        return list(held.keys())


@contextmanager
def _opening(path: Path) -> Iterator[None]:
    if not (path / WEIGHTS).is_file():
        others = sorted(each.name for each in path.iterdir() if each.suffix in (".bin", ".pt", ".pth", ".ckpt"))
        found = f"only {', '.join(others)}, which may hold code" if others else "no weights"
        raise InputError(f"{path} has no {WEIGHTS} ({found}); save the model with safe_serialization=True")
    try:
        yield
    except SafetensorError as broken:
        raise InputError(f"{path / WEIGHTS} is not a whole safetensors file: {broken}") from broken


def parameter_count(model: torch.nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in model.parameters())
