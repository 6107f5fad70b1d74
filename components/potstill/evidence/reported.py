"""What the sealed report says, against the artifacts that it names: all that ships was judged, on every test row."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from potstill.artifacts import Artifact
from potstill.evidence.counted import counted_otherwise
from potstill.evidence.evidence import Evidence
from potstill.evidence.layout import FORMATS, JUDGED_AS, SUMMARY
from potstill.one_line import one_line

WEIGHTS: Final = "model.safetensors"
EXTERNAL: Final = ".data"  # of an ONNX file: its weights, where they lie beside it
# Of the other ONNX formats each holds a graph of these, and the export compared it.
JUDGED_ONNX: Final = ("fp32", "optimized", "int8", "int8_qdq")


def reported_otherwise(evidence: Evidence) -> Iterator[str]:
    """Name everything in which the report and the manifests disagree, and the report with itself.

    Args:
        evidence: of a release or a bundle, whose report's manifest names its inputs.
    """
    try:
        yield from [*_rows(evidence), *_labels(evidence), *_origins(evidence), *_judged(evidence)]
        yield from [*counted_otherwise(evidence.summary)]
    except (LookupError, TypeError, ValueError, AttributeError) as broken:
        yield f"{SUMMARY} is not what validate writes: {type(broken).__name__}: {one_line(str(broken))[:100]}"


def origin_of(artifact: Artifact) -> dict[str, Any]:
    """What a report tells of an artifact that it read."""
    return {
        "kind": artifact.kind,
        "digest": artifact.digest,
        "stage": artifact.made_by["stage"],
        "inputs": dict(artifact.inputs),
        "licence": artifact.licence.expression,
    }


def _inputs(evidence: Evidence) -> dict[str, Artifact]:
    """What validate read, by the name of its parameter."""
    return {name: evidence.manifests[digest] for name, digest in sorted(evidence.report.inputs.items())}


def _rows(evidence: Evidence) -> Iterator[str]:
    """Every row of the test split was judged; a verdict on a part of it releases nothing."""
    rows, whole = evidence.summary["rows"], _inputs(evidence)["tokens"].meaning["splits"]["test"]
    if rows != whole:
        yield (
            f"the report judged {rows} rows, and the test split has {whole}: a quick look releases nothing; let "
            "validate judge all of them (test_rows 0)"
        )
    elif evidence.summary.get("whole_rows", whole) != whole:
        yield f"{SUMMARY} says that the test split has {evidence.summary['whole_rows']} rows, it has {whole}"


def _labels(evidence: Evidence) -> Iterator[str]:
    labels = evidence.summary["labels"]
    for name, artifact in _inputs(evidence).items():
        if artifact.meaning["labels"] != labels:
            yield f"the labels of {SUMMARY} are not those of {name}"


def _origins(evidence: Evidence) -> Iterator[str]:
    if evidence.summary["lineage"] != {name: origin_of(each) for name, each in _inputs(evidence).items()}:
        yield f"{SUMMARY} tells another lineage than the manifests"


def _judged(evidence: Evidence) -> Iterator[str]:
    """Each file of a model was judged as what it is; and nothing was judged that is not there."""
    inputs, models = _inputs(evidence), evidence.summary["models"]
    if "teacher" in inputs and "teacher" not in models:
        yield "the report read a teacher, and did not judge it"
    yield from _weighed(inputs["model"], next((name for name in ("qat", "model") if name in models), ""), models)
    for prefix in ("onnx", "coreml"):
        name = JUDGED_AS[FORMATS[prefix]]
        told = {each for each in models if each.startswith(f"{prefix}_")}
        if name in inputs:
            yield from _exported(prefix, inputs[name], evidence.report.inputs["model"], models)
            told -= {f"{prefix}_{each}" for each in inputs[name].meaning["formats"]}
        yield from (f"the report judged {each}, which is in no artifact that it read" for each in sorted(told))


def _exported(prefix: str, artifact: Artifact, model: str, models: Mapping[str, Any]) -> Iterator[str]:
    if artifact.inputs["model"] != model:
        yield f"{artifact.made_by['stage']} exported {artifact.inputs['model']}, the report is of {model}"
    for form, file in sorted(artifact.meaning["formats"].items()):
        size = _size(artifact, file)
        if not size:
            yield f"{artifact.made_by['stage']} says that {form} is {file}, and made no such file"
        elif prefix != "onnx" or form in JUDGED_ONNX:
            yield from _sized(f"{prefix}_{form}", size, models)


def _weighed(model: Artifact, name: str, models: Mapping[str, Any]) -> Iterator[str]:
    yield from _sized(name or "model", _size(model, WEIGHTS), models)


def _sized(name: str, size: int, models: Mapping[str, Any]) -> Iterator[str]:
    """A budget for the size is held against the report's figure, so this is what the files weigh."""
    if name not in models:
        yield f"the report did not judge {name}"
    elif models[name]["bytes"] != size:
        yield f"the report weighed {name} as {models[name]['bytes']} bytes, its files have {size}"


def _size(artifact: Artifact, file: str) -> int:
    """Bytes of a file with its external data, or of a folder; 0: there is none."""
    inside = f"{file.rstrip('/')}/"
    return sum(
        each.bytes
        for each in artifact.files
        if each.path in (file, f"{file}{EXTERNAL}") or each.path.startswith(inside)
    )
