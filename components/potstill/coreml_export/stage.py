"""The stage: a checkpoint in, Core ML packages out, each executed here and compared with PyTorch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from potstill.artifacts import CHECKPOINT, COREML, TOKENS, Artifact, expect, scan, seal
from potstill.coreml_export.conversion import TARGETS
from potstill.coreml_export.formats import FILES, FP16, INT8, Built, Recipe, build
from potstill.coreml_export.proof import Proof
from potstill.encoder.checkpoint import read_config
from potstill.encoder.multi_label import refuse_multi_label
from potstill.encoder.tokenizer import copy_tokenizer
from potstill.errors import OptionError
from potstill.measure.measures import Measures
from potstill.measure.torch_session import torch_threads
from potstill.options import Threads, choose, options
from potstill.output_folder import creating
from potstill.provenance import maker
from potstill.training.agreement import own_tokens

SHORTEST = 3  # [CLS], one token, [SEP]: as tokenize asks


@options
class CoremlExportConfig:
    """Core ML packages for iPhone and Mac apps, and how near to PyTorch they must be."""

    formats: str = "fp16,int8"
    """Packages to write: fp16, int8, separated by commas."""
    target: str = "iOS16"
    """The oldest system that runs them: iOS15, iOS16, iOS17 or iOS18 (and the macOS of that year)."""
    max_length: Annotated[int, Field(ge=0)] = 0
    """Fixed length of a text in tokens, padding included, at least 3; 0: what the tokens were cut to."""
    author: str = "potstill"
    """Who answers for the model, as Xcode shows it."""
    version: str = "1.0"
    """Version of the model, as Xcode shows it."""
    parity_rows: Annotated[int, Field(ge=1)] = 64
    """Rows of the test split on which each package is executed and compared; all of them when it has fewer."""
    tolerance_fp16: Annotated[float, Field(gt=0)] = 0.05
    """Greatest difference of a logit between the fp16 package and the checkpoint."""
    tolerance_int8: Annotated[float, Field(gt=0)] = 0.05
    """Greatest difference of a logit between the int8 package and the checkpoint with its weights rounded to int8."""
    minimum_agreement: Annotated[float, Field(ge=0, le=1)] = 0.98
    """Smallest share of rows to which a package gives PyTorch's label, in [0, 1]; a near tie may fall either way."""
    threads: Threads = 1
    """CPU threads of the comparison."""

    @field_validator("formats")
    @classmethod
    def _known_formats(cls, value: str) -> str:
        named = [choose("formats", name.strip(), FILES) for name in value.split(",") if name.strip()]
        if not named:
            raise ValueError(f"formats must name at least one of {', '.join(FILES)}, got {value!r}")
        return ",".join(name for name in FILES if name in named)

    @field_validator("target")
    @classmethod
    def _known_target(cls, value: str) -> str:
        return choose("target", value, TARGETS)

    @model_validator(mode="after")
    def _int8_since_ios16(self) -> Self:
        if self.target == "iOS15" and INT8 in self.formats.split(","):
            raise ValueError("int8 needs iOS16 or later, got target iOS15; pass --target iOS16 or --formats fp16")
        return self


def export_coreml(model: Path, tokens: Path, package: Path, config: CoremlExportConfig) -> Measures:
    """Export a classifier to Core ML packages that are executed here, without a Mac, and proved to compute the same.

    Writes `model.fp16.mlpackage` and `model.int8.mlpackage` (int8 weights of linears and embeddings: on the
    checkpoint's own scales when it comes from qat, and what has none stays float; else one scale a row, and embeddings
    of few rows stay float).
    Inputs are `input_ids`, `attention_mask` and `token_type_ids`, (1, length) int32; outputs `classLabel`,
    `classLabel_probs` and `logits`.

    Args:
        model: `checkpoint/v1` of a BERT, pruned BERT or MobileBERT classifier, with or without int8 scales.
        tokens: `tokens/v1`; rows of its test split are compared.
        package: where `coreml/v1` is written.
        config: the options.

    Returns: by format, `…_max_abs_logit`, `…_agreement` in [0, 1] and `…_bytes`; of the int8 package `int8_weights`,
        how many weights lie in it as int8, and `float_weights`, how many stay float.

    Raises:
        ArtifactError: an input is not sealed, of another kind, or the tokens have no test split.
        InputError: a family that cannot be exported, a multi-label classifier, or tokens with ids that the model does
            not know.
        OptionError: a length that the model has no positions for.
        ParityError: a package is further from PyTorch than allowed, or a weight was not compressed as asked.

    Source: the Core ML model format, https://apple.github.io/coremltools/mlmodel/index.html.
    """
    source, table = expect(model, CHECKPOINT), expect(tokens, TOKENS)
    refuse_multi_label("coreml-export", source)
    length = config.max_length or int(table.meaning["max_length"])
    _require_fit(source, table, length)
    recipe = Recipe(source, table, length, config.target, config.author, config.version)
    proof = Proof(tokens, config.parity_rows, length)
    with creating(package, COREML, model, tokens), torch_threads(config.threads):
        built: dict[str, Built] = {}
        for name in config.formats.split(","):
            built[name] = build(name, recipe, package / FILES[name])
            proof.compare(name, built[name].program, built[name].model)
        proof.require({FP16: config.tolerance_fp16, INT8: config.tolerance_int8}, config.minimum_agreement)
        copy_tokenizer(model, package)
        meaning = _meaning(recipe, built, proof)
        seal(package, COREML, maker("coreml-export", config), {"model": source, "tokens": table}, meaning)
    return _measures(package, built, proof)


def _require_fit(source: Artifact, table: Artifact, length: int) -> None:
    own_tokens(source, table)
    model = read_config(source.path)
    if not SHORTEST <= length <= model.max_position_embeddings:
        raise OptionError(
            f"max_length must be in [{SHORTEST}, {model.max_position_embeddings}], the positions of {source.path}, "
            f"got {length}"
        )


def _meaning(recipe: Recipe, built: Mapping[str, Built], proof: Proof) -> dict[str, object]:
    return {
        "labels": recipe.source.meaning["labels"],
        "max_length": recipe.length,
        "target": recipe.target,
        "formats": {name: FILES[name] for name in built},
        "parity": {
            name: {"max_abs_logit": each.max_abs_logit, "agreement": each.agreement, "rows": each.rows}
            for name, each in proof.parity.items()
        },
        "int8_weights": {name: each.int8_weights for name, each in built.items() if name == INT8},
        "float_weights": {name: each.float_weights for name, each in built.items() if name == INT8},
    }


def _measures(folder: Path, built: Mapping[str, Built], proof: Proof) -> Mapping[str, float]:
    found: dict[str, float] = {}
    for name, each in proof.parity.items():
        found[f"{name}_max_abs_logit"] = each.max_abs_logit
        found[f"{name}_agreement"] = each.agreement
        found[f"{name}_bytes"] = float(sum(file.bytes for file in scan(folder / FILES[name])))
    if INT8 in built:
        found["int8_weights"] = float(built[INT8].int8_weights)
        found["float_weights"] = float(built[INT8].float_weights)
    return found
