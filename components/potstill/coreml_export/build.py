"""From a checkpoint to one package on disk, opened and executed again."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn
from transformers import PreTrainedModel

from potstill.artifacts import Artifact
from potstill.coreml import Program, load_program
from potstill.coreml.lengths import Lengths
from potstill.coreml_export.compression.plan import plan
from potstill.coreml_export.compression.readback import require_compressed
from potstill.coreml_export.config import CHANNELS_FIRST, STANDARD, CoremlExportConfig
from potstill.coreml_export.files.description import describe
from potstill.coreml_export.files.same_bytes import save
from potstill.coreml_export.formats import FP32, W8A8
from potstill.coreml_export.graphs.channels_first import ChannelsFirstClassifier
from potstill.coreml_export.graphs.classifier import TracedClassifier, input_names
from potstill.coreml_export.graphs.conversion import Wish, convert
from potstill.coreml_export.graphs.overflow import finite, overflowing
from potstill.coreml_export.proof import Proof
from potstill.encoder.checkpoint import load_classifier
from potstill.encoder.finite import refuse_not_finite
from potstill.encoder.int8_weights import weighted_modules
from potstill.encoder.quantization import read_scales
from potstill.errors import ParityError

CLASSIFIERS = {STANDARD: TracedClassifier, CHANNELS_FIRST: ChannelsFirstClassifier}
Written = Callable[[Wish, Path], Program]


@dataclass(frozen=True)
class Recipe:
    """What all packages of an export share.

    Attributes:
        source: the checkpoint.
        table: the tokens that prove the packages; their licence binds the package as the checkpoint's does.
        lengths: of a text, padding included.
        beside: the digest of each file that lies beside the packages, by its name.
        config: the options.
    """

    source: Artifact
    table: Artifact
    lengths: Lengths
    beside: Mapping[str, str]
    config: CoremlExportConfig


@dataclass(frozen=True)
class Built:
    """A package on disk, opened again.

    Attributes:
        program: the package as it can be executed.
        model: what it must compute.
        compressed: how many weights are, as read from the package.
        float_weights: how many weights of linears and embeddings are not compressed, tables of few rows among them.
        kept: how many values are computed in float32, since float16 cannot hold them.
    """

    program: Program
    model: PreTrainedModel
    compressed: int
    float_weights: int
    kept: int


def build(name: str, recipe: Recipe, package: Path, proof: Proof) -> Built:
    """Write one package and read it back.

    Args:
        name: a format of config.FORMATS.
        recipe: what to build.
        package: where to write it.
        proof: the rows on which its values are watched.

    Raises:
        InputError: a family that cannot be exported, or weights that are no numbers.
        ParityError: a weight that was to be compressed is not, or a value is no number.
    """
    model = load_classifier(recipe.source.path, attention="eager")
    refuse_not_finite(model, recipe.source.path)
    weights = len(weighted_modules(model))
    forms = plan(name, model, read_scales(recipe.source.path), recipe.lengths.longest, recipe.config)
    classifier = CLASSIFIERS[recipe.config.layout](model, recipe.lengths.longest)
    labels, target = recipe.source.meaning["labels"], recipe.config.target
    wish = Wish(name, input_names(model), labels, recipe.lengths, target, float32=name == FP32, forms=forms)
    write = _writing(classifier, recipe, name)
    program, wish = _within_float16(write, wish, package, proof)
    if name == W8A8:
        wish = replace(wish, ranges=proof.calibrate(program).ranges)
        program = write(wish, package)
    if not finite(proof.observe(program).ranges):
        raise ParityError(f"{package.name} computes values that are no numbers; leave {name} out by --formats")
    compressed = require_compressed(program, forms, wish.modern)
    return Built(program, model, compressed, weights - compressed, len(wish.kept))


def _writing(classifier: nn.Module, recipe: Recipe, name: str) -> Written:
    def write(wish: Wish, package: Path) -> Program:
        converted = convert(classifier, wish)
        describe(converted, name, recipe.config, recipe.source, recipe.table)
        save(converted, package, recipe.beside)
        return load_program(package)

    return write


def _within_float16(write: Written, wish: Wish, package: Path, proof: Proof) -> tuple[Program, Wish]:
    """Write a package; where a value leaves float16, write it again with what computes that value in float32."""
    program = write(wish, package)
    seen = proof.observe(program).ranges
    if wish.float32 or not overflowing(seen):
        return program, wish
    with tempfile.TemporaryDirectory() as work:
        exact = write(replace(wish, float32=True), Path(work) / "exact.mlpackage")
        wish = replace(wish, kept=overflowing(proof.observe(exact).ranges))
    return write(wish, package), wish
