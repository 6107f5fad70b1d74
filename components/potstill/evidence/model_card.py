"""The card of one model in the bill of materials: task, data, and what validate measured of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from potstill.artifacts import CHECKPOINT, COREML, DATASET, ONNX, Artifact
from potstill.evidence.evidence import Evidence

FIGURES = {"accuracy": "accuracy", "macro_f1": "macro F1", "ece": "expected calibration error"}
PREFIX = {ONNX: "onnx_", COREML: "coreml_"}
TORCH = ("model", "float", "qat")  # what validate calls the last checkpoint


def model_card(artifact: Artifact, evidence: Evidence) -> dict[str, Any]:
    """Make the card.

    Args:
        artifact: a model of the lineage.
        evidence: of the release; its sealed report tells the figures of the models that it judged.
    """
    parameters: dict[str, Any] = {
        "approach": {"type": "supervised"},
        "task": "text-classification",
        "architectureFamily": "transformer",
        "datasets": [{"ref": f"urn:potstill:artifact:{digest}"} for digest in _data_behind(artifact, evidence)],
        "inputs": [{"format": "text"}],
        "outputs": [{"format": "label"}],
    }
    family = artifact.meaning.get("family")
    if isinstance(family, str):
        parameters["modelArchitecture"] = family
    card: dict[str, Any] = {"modelParameters": parameters}
    metrics = list(_metrics(artifact, evidence))
    if metrics:
        card["quantitativeAnalysis"] = {"performanceMetrics": metrics}
    limits = _limitations(artifact)
    return {**card, "considerations": {"technicalLimitations": limits}} if limits else card


def _data_behind(artifact: Artifact, evidence: Evidence) -> list[str]:
    behind = evidence.lineage.ancestors(artifact.digest)
    return [each for each in evidence.lineage.order if each in behind and evidence.manifests[each].kind == DATASET]


def _metrics(artifact: Artifact, evidence: Evidence) -> Iterator[dict[str, Any]]:
    """Figures on the test split of each file in the artifact; intervals where the report has them."""
    models = evidence.summary.get("models")
    for name, told in sorted(models.items()) if isinstance(models, Mapping) else ():
        if _is_of(name, artifact, evidence) and isinstance(told, Mapping):
            yield from (_metric(title, told, key, name) for key, title in FIGURES.items() if _is_number(told.get(key)))


def _is_of(name: str, artifact: Artifact, evidence: Evidence) -> bool:
    inputs = evidence.report.inputs
    if artifact.kind == CHECKPOINT:
        own = [parameter for parameter, digest in inputs.items() if digest == artifact.digest]
        return name in own or ("model" in own and name in TORCH)
    return artifact.digest in inputs.values() and name.startswith(PREFIX[artifact.kind])


def _metric(title: str, told: Mapping[str, Any], key: str, name: str) -> dict[str, Any]:
    metric: dict[str, Any] = {"type": title, "value": repr(told[key]), "slice": f"test split, {name}"}
    low, high = told.get(f"{key}_low"), told.get(f"{key}_high")
    if _is_number(low) and _is_number(high):
        metric["confidenceInterval"] = {"lowerBound": repr(low), "upperBound": repr(high)}
    return metric


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _limitations(artifact: Artifact) -> list[str]:
    length = artifact.meaning.get("max_length")
    return [f"Texts are cut to {length} tokens."] if _is_number(length) else []
