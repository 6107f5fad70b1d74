"""What a file answers: a label, a vector for each token, or how well two texts match."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from transformers import PreTrainedModel

from potstill.artifacts import Artifact
from potstill.encoder.checkpoint import load_classifier, read_config
from potstill.encoder.multi_label import refuse_multi_label
from potstill.encoder.start import is_classifier, load_encoder
from potstill.errors import OptionError
from potstill.onnx_export.config import FEATURE_EXTRACTION, RERANKING, TEXT_CLASSIFICATION

Value = TypeVar("Value")


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        known_as: its name in Optimum.
        output: name of the file's output.
    """

    known_as: str
    output: str


TASK = {
    TEXT_CLASSIFICATION: Task("text-classification", "logits"),
    FEATURE_EXTRACTION: Task("feature-extraction", "last_hidden_state"),
    RERANKING: Task("text-classification", "logits"),
}


def refuse_unfit(task: str, source: Artifact) -> None:
    """Refuse a task that a checkpoint is not for.

    Raises:
        OptionError: reranking of a model with several labels, classification by a model with one, or either by an
            encoder.
        InputError: reranking of a multi-label model.
    """
    count = len(source.meaning["labels"])
    if not count and task != FEATURE_EXTRACTION:
        raise OptionError(
            f"{source.path} is an encoder without labels, so {task} has nothing to answer; pass --task "
            "feature-extraction, or fine-tune it: potstill teacher-train"
        )
    if task == RERANKING:
        refuse_multi_label("onnx-export --task reranking", source)
    if task == RERANKING and count != 1:
        raise OptionError(
            f"reranking scores two texts by one logit, but {source.path} has {count} labels; "
            "leave --task out, or give a cross-encoder, whose config.json has one label"
        )
    if task == TEXT_CLASSIFICATION and count == 1:
        raise OptionError(f"{source.path} has one label, so there is nothing to choose; did you mean --task reranking?")


def load_float(checkpoint: Path, attention: str = "sdpa") -> PreTrainedModel:
    """Load a checkpoint with its float weights: a classifier, or an encoder under a head that nobody reads.

    Args:
        checkpoint: the model's folder.
        attention: as `load_classifier` takes it.

    Raises:
        InputError: weights are missing, or do not fit the config.
    """
    load = load_classifier if is_classifier(read_config(checkpoint)) else load_encoder
    return load(checkpoint, attention)


def part_for(task: str, classifier: PreTrainedModel) -> PreTrainedModel:
    """Return the part of a classifier that a task needs: all of it, or its encoder without the pooler."""
    if task != FEATURE_EXTRACTION:
        return classifier
    encoder: PreTrainedModel = classifier.base_model
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None  # it reads one token alone, and nothing of it reaches last_hidden_state
    return encoder


def named_in(part: PreTrainedModel, classifier: PreTrainedModel, values: Mapping[str, Value]) -> dict[str, Value]:
    """Of values by a classifier's module names keep those of a part's modules, by the part's own names."""
    prefix = "" if part is classifier else f"{classifier.base_model_prefix}."
    own = {name for name, _ in part.named_modules()}
    named = {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
    return {name: value for name, value in named.items() if name in own}
