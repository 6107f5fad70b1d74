"""Where everything lies in a release and in a bundle, and which stage makes what of what."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from potstill.artifacts import (
    CHECKPOINT,
    COREML,
    DATASET,
    DEFINITION,
    LATENCY,
    ONNX,
    REPORT,
    TEACHER_OUTPUTS,
    TOKENS,
)

SCHEMA: Final = "urn:potstill:release:v1"
FORMAT: Final = 1  # of the evidence; another number is another form, which this potstill does not read
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
SUMMARY_FILE: Final = "summary.json"  # of a report
SUMMARY: Final = f"{REPORT_FOLDER}/{SUMMARY_FILE}"

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
DEFINED: Final = (PIPELINE, PARAMETERS, LOCK, IMAGES)  # the files of a definition: each of them, and no other
RUNNERS: Final = ("kubeflow-pipelines", "local")  # what a definition may say that the pipeline runs on

IMPORTS: Final = ("import-data", "import-checkpoint")  # stages that a lineage begins with
DEFINER: Final = "definition"  # what seals a definition, where the pipeline is compiled
JUDGE: Final = "validate"
AFTER: Final = ("gate", "release", "sign", "publish")  # steps of a pipeline that make nothing of the lineage


@dataclass(frozen=True)
class Makes:
    """What a stage makes.

    Attributes:
        kind: of the artifact.
        reads: inputs that it cannot do without; it may have read more.
    """

    kind: str
    reads: tuple[str, ...] = ()


STAGES: Final[Mapping[str, Makes]] = {  # every stage that a lineage may hold
    "import-data": Makes(DATASET),
    "import-checkpoint": Makes(CHECKPOINT),
    DEFINER: Makes(DEFINITION),
    "tokenize": Makes(TOKENS, ("data",)),
    "teacher-train": Makes(CHECKPOINT, ("start", "tokens")),
    "teacher-cache": Makes(TEACHER_OUTPUTS, ("teacher", "tokens")),
    "teacher-ensemble": Makes(TEACHER_OUTPUTS, ("members[0]", "members[1]", "tokens")),
    "distill": Makes(CHECKPOINT, ("teacher", "tokens")),
    "latency-table": Makes(LATENCY, ("model",)),
    "prune": Makes(CHECKPOINT, ("student", "tokens")),
    "choose-round": Makes(CHECKPOINT, ("pruned",)),
    "qat": Makes(CHECKPOINT, ("student", "tokens")),
    "onnx-export": Makes(ONNX, ("model", "tokens")),
    "coreml-export": Makes(COREML, ("model", "tokens")),
    "validate": Makes(REPORT, ("model", "tokens")),
}
KIND_OF: Final[Mapping[str, str]] = {  # input of a stage, by its name: the kind that it is of
    "data": DATASET,
    "tokens": TOKENS,
    "unlabelled": TOKENS,
    "members": TEACHER_OUTPUTS,
    "teacher_outputs": TEACHER_OUTPUTS,
    "latency": LATENCY,
    "onnx": ONNX,
    "package": COREML,
    **dict.fromkeys(("model", "teacher", "student", "pruned", "resume"), CHECKPOINT),
}
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


def makes(stage: str, kind: str) -> bool:
    """Tell whether a stage makes this kind of artifact."""
    return stage in STAGES and STAGES[stage].kind == kind
