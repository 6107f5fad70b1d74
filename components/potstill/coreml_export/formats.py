"""The packages that a checkpoint can become, and how each is built."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel

from potstill.artifacts import Artifact
from potstill.coreml import Program, load
from potstill.coreml_export.conversion import convert
from potstill.coreml_export.description import describe
from potstill.coreml_export.fixed_length import FixedLengthClassifier
from potstill.coreml_export.int8 import announce, move_to_grid
from potstill.coreml_export.readback import require_compressed
from potstill.coreml_export.same_bytes import save
from potstill.encoder.checkpoint import load_classifier
from potstill.encoder.int8_weights import int8_weights, weighted_modules
from potstill.encoder.quantization import read_scales
from potstill.licences import strictest

FP16, INT8 = "fp16", "int8"
FILES = {FP16: "model.fp16.mlpackage", INT8: "model.int8.mlpackage"}


@dataclass(frozen=True)
class Recipe:
    """What all packages of an export share.

    Attributes:
        source: the checkpoint.
        table: the tokens that prove the packages; their licence binds the package as the checkpoint's does.
        length: tokens of a text, padding included.
        target: the oldest system that runs the packages.
        author: who answers for the model.
        version: the model's own version.
    """

    source: Artifact
    table: Artifact
    length: int
    target: str
    author: str
    version: str


@dataclass(frozen=True)
class Built:
    """A package on disk, opened again.

    Attributes:
        program: the package as it can be executed.
        model: what it must compute.
        int8_weights: how many weights were asked to be int8, and were found so in the package.
        float_weights: how many weights of linears and embeddings were not asked to be, tables of few rows among them.
    """

    program: Program
    model: PreTrainedModel
    int8_weights: int
    float_weights: int


def build(name: str, recipe: Recipe, package: Path) -> Built:
    """Write one package and read it back.

    Args:
        name: FP16 or INT8. Both compute in float16; the second holds the weights of linears and embeddings as int8.
        recipe: what to build.
        package: where to write it.

    Raises:
        InputError: a family that cannot be exported.
        ParityError: a weight that was to be int8 is not.
    """
    model = load_classifier(recipe.source.path, attention="eager")
    weights = len(weighted_modules(model))
    chosen = int8_weights(model, read_scales(recipe.source.path)) if name == INT8 else {}
    scales = move_to_grid(model, chosen)
    announce(model, scales)
    labels = recipe.source.meaning["labels"]
    converted = convert(FixedLengthClassifier(model, recipe.length), labels, recipe.target)
    licence = strictest([recipe.source.licence, recipe.table.licence])
    describe(converted, recipe.author, recipe.version, licence, labels, _digests(recipe))
    save(converted, package)
    program = load(package)
    held = require_compressed(program, model, scales)
    return Built(program, model, held, weights - held)


def _digests(recipe: Recipe) -> Mapping[str, str]:
    return {"checkpoint": recipe.source.digest, "tokens": recipe.table.digest}
