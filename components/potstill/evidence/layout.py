"""Where everything lies in a release and in a bundle."""

from pathlib import PurePosixPath
from typing import Final

from potstill.artifacts import CHECKPOINT, COREML, DEFINITION, ONNX, REPORT

SCHEMA: Final = "urn:potstill:release:v1"
CARD: Final = "README.md"
VERDICT: Final = "verdict.json"
INDEX: Final = "release.json"
PAGE: Final = "report.html"
FIGURES: Final = "figures.json"
EVIDENCE: Final = "evidence"
MANIFESTS: Final = "evidence/manifests"
DEFINITION_FOLDER: Final = "evidence/definition"
STATEMENTS: Final = "evidence/statements"
BOM: Final = "evidence/bom.cdx.json"
CROISSANT: Final = "evidence/croissant.json"
ATTESTATIONS: Final = "attestations"
ENVELOPE: Final = ".intoto.json"  # what an attestation's file has in place of a statement's .json
REPORT_FOLDER: Final = "report"
SUMMARY: Final = "report/summary.json"

FORMATS: Final = {"onnx": "models/onnx", "coreml": "models/coreml", "pytorch": "models/pytorch"}
JUDGED_AS: Final = {  # folder of a model: the parameter of validate that was given it
    "models/onnx": "onnx",
    "models/coreml": "package",
    "models/pytorch": "model",
}
KIND_IN: Final = {  # folder: the kind of the artifact whose files it holds
    "models/onnx": ONNX,
    "models/coreml": COREML,
    "models/pytorch": CHECKPOINT,
    REPORT_FOLDER: REPORT,
    DEFINITION_FOLDER: DEFINITION,
}

IMAGES: Final = "images.json"  # of a definition: stage → image by digest
PARAMETERS: Final = "parameters.json"
PIPELINE: Final = "pipeline.yaml"
LOCK: Final = "requirements.txt"

IMPORTS: Final = ("import-data", "import-checkpoint")  # stages that a lineage begins with
UNSHIPPED: Final = "rounds"  # of a pruned checkpoint: the models that were not chosen


def ships_file(path: str) -> bool:
    """Tell whether a release carries a file of an artifact that it ships.

    Args:
        path: inside the artifact.
    """
    return PurePosixPath(path).parts[0] != UNSHIPPED


def manifest_path(digest: str) -> str:
    """Say where the manifest of an artifact lies."""
    return f"{MANIFESTS}/{digest}.json"


def statement_path(stem: str) -> str:
    """Say where a statement lies."""
    return f"{STATEMENTS}/{stem}.json"


def attestation_path(stem: str) -> str:
    """Say where the signed form of a statement lies, in a bundle."""
    return f"{ATTESTATIONS}/{stem}{ENVELOPE}"
