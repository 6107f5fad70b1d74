"""The stage: a checkpoint in, Core ML packages out, each executed here and compared with PyTorch."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from potstill.artifacts import CHECKPOINT, COREML, TOKENS, Artifact, expect, scan, seal
from potstill.coreml.inspection.neural_engine import advice as neural_engine
from potstill.coreml.lengths import Lengths
from potstill.coreml_export.build import Built, Recipe, build
from potstill.coreml_export.config import CoremlExportConfig
from potstill.coreml_export.formats import FILES, FLOAT, W8A8
from potstill.coreml_export.proof import Proof
from potstill.coreml_export.table import on_lengths, write_table
from potstill.encoder.checkpoint import read_config
from potstill.encoder.multi_label import refuse_multi_label
from potstill.encoder.positions import longest_input
from potstill.encoder.tokenizer import copy_tokenizer
from potstill.errors import InputError, OptionError
from potstill.measure.measures import Measures
from potstill.measure.torch_session import torch_threads
from potstill.output_folder import creating
from potstill.progress import progress, tell
from potstill.provenance import maker
from potstill.training.agreement import own_tokens

__all__ = ["CoremlExportConfig", "export_coreml"]


def export_coreml(model: Path, tokens: Path, package: Path, config: CoremlExportConfig) -> Measures:
    """Export a classifier to Core ML packages that are executed here, without a Mac, and proved to compute the same.

    Writes `model.<format>.mlpackage` for each format, and `exports.md`, a table of them all. Inputs are `input_ids`,
    `attention_mask` and, where the family knows segments, `token_type_ids`, (1, tokens) int32; outputs `classLabel`,
    `classLabel_probs` and `logits`.

    Args:
        model: `checkpoint/v1` of a classifier of the BERT family, pruned or not, with or without int8 scales.
        tokens: `tokens/v1`; rows of its test split are compared, and rows of its train split calibrate w8a8.
        package: where `coreml/v1` is written.
        config: the options.

    Returns: by format, `…_max_abs_logit`, `…_agreement` in [0, 1] and `…_bytes`; of compressed ones `…_weights`, how
        many weights lie in the package compressed, and `…_float_weights`, how many do not; `…_kept_float32`, where
        float16 cannot hold some values, how many.

    Raises:
        ArtifactError: an input is not sealed, of another kind, or the tokens have no test split; for
            w8a8 no train split.
        InputError: a family that cannot be exported, a multi-label classifier, or tokens with ids that the model does
            not know.
        OptionError: a length that the model has no positions for.
        ParityError: a package is further from PyTorch than allowed, or a weight was not compressed as asked.

    Source: the Core ML model format, https://apple.github.io/coremltools/mlmodel/index.html.
    """
    source, table = expect(model, CHECKPOINT), expect(tokens, TOKENS)
    refuse_multi_label("coreml-export", source)
    _require_distinct(source)
    lengths = config.lengths(int(table.meaning["max_length"]))
    _require_fit(source, table, lengths)
    with creating(package, COREML, model, tokens), torch_threads(config.threads):
        copy_tokenizer(model, package)
        recipe = Recipe(source, table, lengths, {file.path: file.sha256 for file in scan(package)}, config)
        proof = Proof(tokens, config.parity_rows, config.calibration_rows, lengths)
        built = {
            name: _proved(name, recipe, package, proof) for name in progress(config.named, "packages", unit="package")
        }
        proof.require(_tolerances(config), config.minimum_agreement)
        meaning = _meaning(recipe, built, proof)
        advice = {name: neural_engine(each.program.package) for name, each in built.items()}
        write_table(package, meaning, advice)
        seal(package, COREML, maker("coreml-export", config), {"model": source, "tokens": table}, meaning)
    for remark in on_lengths(advice):
        tell(remark)
    return _measures(package, built, proof)


def _proved(name: str, recipe: Recipe, folder: Path, proof: Proof) -> Built:
    built = build(name, recipe, folder / FILES[name], proof)
    proof.compare(name, built.program, built.model)
    return built


def _require_distinct(source: Artifact) -> None:
    """A package gives probabilities by label: of two labels with one name it would give one."""
    labels = Counter(source.meaning["labels"])
    twice = [label for label, times in labels.items() if times > 1]
    if twice:
        raise InputError(f"{source.path}: labels have one name: {', '.join(twice)}; give each label a name of its own")


def _require_fit(source: Artifact, table: Artifact, lengths: Lengths) -> None:
    own_tokens(source, table)
    most = longest_input(read_config(source.path).to_dict())
    if most is not None and lengths.longest > most:
        raise OptionError(
            f"length must be at most {most}, the positions of {source.path}, got {lengths}; pass --length {most}"
        )


def _tolerances(config: CoremlExportConfig) -> Mapping[str, float]:
    """w8a8 rounds activations on purpose, and PyTorch does not: what counts is the answer."""
    return {name: float("inf") if name == W8A8 else config.tolerance for name in config.named}


def _meaning(recipe: Recipe, built: Mapping[str, Built], proof: Proof) -> dict[str, object]:
    compressed = {name: each for name, each in built.items() if name not in FLOAT}
    return {
        "labels": recipe.source.meaning["labels"],
        "max_length": recipe.lengths.longest,
        "length": str(recipe.lengths),
        "target": recipe.config.target,
        "layout": recipe.config.layout,
        "compute_units": recipe.config.compute_units,
        "formats": {name: FILES[name] for name in built},
        "parity": {
            name: {"max_abs_logit": each.max_abs_logit, "agreement": each.agreement, "rows": each.rows}
            for name, each in proof.parity.items()
        },
        "compressed_weights": {name: each.compressed for name, each in compressed.items()},
        "float_weights": {name: each.float_weights for name, each in compressed.items()},
    }


def _measures(folder: Path, built: Mapping[str, Built], proof: Proof) -> Mapping[str, float]:
    found: dict[str, float] = {}
    for name, each in proof.parity.items():
        found[f"{name}_max_abs_logit"] = each.max_abs_logit
        found[f"{name}_agreement"] = each.agreement
        found[f"{name}_bytes"] = float(sum(file.bytes for file in scan(folder / FILES[name])))
        if name not in FLOAT:
            found[f"{name}_weights"] = float(built[name].compressed)
            found[f"{name}_float_weights"] = float(built[name].float_weights)
        if built[name].kept:
            found[f"{name}_kept_float32"] = float(built[name].kept)
    return found
