"""The shapes of students, and where their first weights come from."""

from dataclasses import dataclass
from pathlib import Path

from transformers import (
    BertConfig,
    BertForSequenceClassification,
    MobileBertConfig,
    MobileBertForSequenceClassification,
    PreTrainedModel,
)

from potstill.artifacts import Artifact
from potstill.encoder.multi_label import problem_type
from potstill.encoder.start import label_names, start_classifier
from potstill.errors import OptionError

LAYERS_OF_TEACHER, MOBILEBERT, CUSTOM = "layers-of-teacher", "mobilebert", "custom"


@dataclass(frozen=True)
class Shape:
    """Layers, hidden width, attention heads and FFN neurons of a BERT."""

    layers: int
    hidden: int
    heads: int
    ffn: int


SHAPES = {
    "tinybert-4x312": Shape(4, 312, 12, 1200),  # arXiv:1909.10351
    "minirbt-6x256": Shape(6, 256, 8, 1024),  # arXiv:2304.00717
}
SHAPE_NAMES = (LAYERS_OF_TEACHER, *SHAPES, MOBILEBERT, CUSTOM)
INITS = ("auto", "teacher", "checkpoint", "random")


def build_student(
    name: str,
    shape: Shape,
    init: str,
    layers: list[int],
    teacher: PreTrainedModel,
    tokens: Artifact,
    start: Path | None,
) -> PreTrainedModel:
    """Build a student classifier for the labels and the vocabulary of a token set.

    Args:
        name: one of SHAPE_NAMES.
        shape: of a "custom" one.
        init: where the weights come from: "teacher" (its layers `layers`), "checkpoint" (`start`), "random",
            or "auto" (`start` when given, else the teacher for "layers-of-teacher", else random).
        layers: teacher layer of each student layer.
        teacher: the fine-tuned teacher.
        tokens: the token set.
        start: `checkpoint/v1` of a pretrained small encoder; it brings its own shape.

    Raises:
        OptionError: `init` and the other options do not go together.
    """
    if init == "auto":
        init = "checkpoint" if start else "teacher" if name == LAYERS_OF_TEACHER else "random"
    if init == "checkpoint":
        if start is None:
            raise OptionError("init is checkpoint, but no starting checkpoint was given; pass --start FOLDER")
        return start_classifier(start, tokens, keep_head=True)
    if init == "teacher":
        return copy_layers(teacher, layers) if name == LAYERS_OF_TEACHER else _refuse_width(name)
    return _random(name, shape, layers, teacher, tokens)


def _refuse_width(name: str) -> PreTrainedModel:
    raise OptionError(
        f"init is teacher, but shape {name} has not the teacher's width; "
        f"choose shape {LAYERS_OF_TEACHER}, or init random or checkpoint"
    )


def copy_layers(teacher: PreTrainedModel, layers: list[int]) -> PreTrainedModel:
    """Make a student of some of the teacher's layers, with its embeddings, pooler and head.

    Args:
        teacher: a BERT-shaped classifier.
        layers: which layers, in order.

    Raises:
        OptionError: the teacher is not BERT-shaped, so that layers cannot be taken out one by one.
    """
    if teacher.config.model_type != "bert":
        raise OptionError(
            f"shape {LAYERS_OF_TEACHER} takes layers out of a bert teacher, this one is {teacher.config.model_type}; "
            f"choose one of {', '.join(SHAPE_NAMES[1:])}"
        )
    config = BertConfig.from_dict({**teacher.config.to_dict(), "num_hidden_layers": len(layers)})
    student = BertForSequenceClassification(config)
    weights = {name: tensor for name, tensor in teacher.state_dict().items() if ".encoder.layer." not in name}
    for new, old in enumerate(layers):
        source, target = f"bert.encoder.layer.{old}.", f"bert.encoder.layer.{new}."
        weights |= {
            name.replace(source, target): tensor for name, tensor in teacher.state_dict().items() if source in name
        }
    student.load_state_dict({name: tensor.clone() for name, tensor in weights.items()})
    return student


def _random(name: str, shape: Shape, layers: list[int], teacher: PreTrainedModel, tokens: Artifact) -> PreTrainedModel:
    id2label, label2id = label_names(tokens.meaning["labels"])
    shared = {
        "vocab_size": tokens.meaning["vocabulary_size"],
        "id2label": id2label,
        "label2id": label2id,
        "problem_type": problem_type(tokens),
        "max_position_embeddings": max(tokens.meaning["max_length"], 128),
    }
    if name == MOBILEBERT:
        return MobileBertForSequenceClassification(MobileBertConfig(**shared, num_hidden_layers=len(layers)))
    chosen = _of_teacher(teacher, len(layers)) if name == LAYERS_OF_TEACHER else SHAPES.get(name, shape)
    if chosen.hidden % chosen.heads:
        raise OptionError(f"hidden ({chosen.hidden}) must be a multiple of heads ({chosen.heads})")
    return BertForSequenceClassification(
        BertConfig(
            **shared,
            hidden_size=chosen.hidden,
            num_hidden_layers=chosen.layers,
            num_attention_heads=chosen.heads,
            intermediate_size=chosen.ffn,
        )
    )


def _of_teacher(teacher: PreTrainedModel, layers: int) -> Shape:
    config = teacher.config
    return Shape(layers, config.hidden_size, config.num_attention_heads, config.intermediate_size)


def student_depth(name: str, shape: Shape, start_layers: int) -> int:
    """Number of layers that the student will have.

    Args:
        name: one of SHAPE_NAMES.
        shape: layers of "custom", "mobilebert" and "layers-of-teacher" students.
        start_layers: layers of the starting checkpoint, or 0.
    """
    return start_layers or (SHAPES[name].layers if name in SHAPES else shape.layers)
