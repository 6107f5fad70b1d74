"""The options of a stage that a reader asks for first; all of them stand in its manifest."""

from collections.abc import Mapping
from typing import Any, Final

from potstill.artifacts import Artifact

FIRST: Final = {
    "tokenize": ("max_length", "labelled_rows", "unlabelled_rows", "test_share", "validation_share", "seed"),
    "teacher-train": ("epochs", "learning_rate", "batch_size", "dtype", "seed", "threads"),
    "teacher-cache": ("keep", "dtype", "threads"),
    "teacher-ensemble": ("weighting",),
    "distill": ("recipe", "shape", "layers", "epochs", "learning_rate", "dtype", "seed", "threads"),
    "latency-table": ("format", "length", "threads"),
    "prune": ("importance", "head_sparsity", "ffn_sparsity", "rounds", "epochs", "max_accuracy_drop", "seed"),
    "choose-round": ("round",),
    "qat": ("method", "calibration", "epochs", "rows", "max_accuracy_drop", "seed"),
    "onnx-export": ("formats", "opset", "target", "optimization"),
    "coreml-export": ("formats", "target", "length", "compute_units"),
    "validate": ("test_rows", "robustness_rows"),
}
GIVEN: Final = ("name", "source", "revision", "terms")  # of what was imported: what it is, and where it came from


def highlights(artifact: Artifact) -> list[tuple[str, str]]:
    """Return names and values: where an import came from and its licence, or a stage's first options."""
    stage, config = str(artifact.made_by.get("stage", "")), artifact.made_by.get("config", {})
    if not artifact.inputs and stage not in FIRST:
        told = [(name, option(artifact.meaning[name])) for name in GIVEN if artifact.meaning.get(name)]
        return [*told, ("licence", artifact.licence.expression)]
    return [(name, option(config[name])) for name in FIRST.get(stage, ()) if _is_set(config, name)]


def option(value: Any) -> str:
    """Write a value as the command line takes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_set(config: Mapping[str, Any], name: str) -> bool:
    return name in config and bool(config[name] != "")
