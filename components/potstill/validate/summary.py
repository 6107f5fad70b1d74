"""The figures that come out the same each time: quality, losses, robustness and size of every model, and lineage."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from potstill.artifacts import Artifact
from potstill.evidence.counted import REFERENCES
from potstill.evidence.reported import origin_of
from potstill.licences import strictest
from potstill.measure.calibration import judge_calibration
from potstill.measure.intervals import wilson
from potstill.measure.quality import agreement, judge_quality
from potstill.prune.curve import read_curve
from potstill.validate.candidates import FOR_PHONES, TITLES
from potstill.validate.facts.disagreements import worst_disagreements
from potstill.validate.facts.from_text import from_text
from potstill.validate.facts.int8_ranges import int8_ranges
from potstill.validate.facts.losses import loss_against
from potstill.validate.facts.training_curves import training_curves
from potstill.validate.inputs import TestRows, pruned_of
from potstill.validate.measured.disturbed import Sample, robustness
from potstill.validate.measured.evaluation import Result
from potstill.validate.models.words import reads_other_words


def summarize(
    results: Sequence[Result], inputs: Mapping[str, Artifact], rows: TestRows, sample: Sample | None
) -> dict[str, Any]:
    """Make the body of `summary.json`.

    Args:
        results: one per candidate and rival.
        inputs: the artifacts that were read, by the name of the stage's parameter.
        rows: the test rows.
        sample: those that were disturbed.

    Returns: JSON values. `rows` of the `whole_rows` of the test split were judged. `models` holds one entry per
        result, in the order of TITLES, with shares in [0, 1] and null where there is nothing to compare with;
        `final` names the model that the path leads to, `reference` the one that losses are taken against; `worst`
        are the rows that each model got wrong and the reference right; `pruning` is the curve of the pruning, or
        null; `int8` tells in short of the quantised model's ranges, or is null; `training` are the curves of the
        trainings; `from_text` tells whether the exports' own tokenizers give the ids that were judged;
        `other_words` names the inputs that have another tokenizer than the tokens; `onnx_length` and
        `coreml_length` are the lengths that these files cut texts to, or 0.
    """
    labels, truth = list(inputs["tokens"].meaning["labels"]), rows.table.labels
    found = {name: each for name in TITLES for each in results if each.name == name}
    reference = reference_of(list(found))
    models = {name: _figures(each, found, reference, truth, labels) for name, each in found.items()}
    models |= _control(inputs) if len(truth) == rows.whole else {}  # it was measured on the whole test split
    asked = {name: each.disturbed for name, each in found.items() if each.disturbed}
    clean = {name: found[name].predicted for name in asked}
    return {
        "rows": len(truth),
        "whole_rows": rows.whole,
        "labels": labels,
        "licence": asdict(strictest(each.licence for each in inputs.values())),
        "final": final_of(list(models)),
        "reference": reference,
        "models": {name: models[name] for name in TITLES if name in models},
        "agreement": _agreement(found),
        "worst": worst_disagreements(rows, found, reference, labels),
        "robustness": robustness(sample, truth, labels, clean, asked),
        "training": training_curves(inputs),
        "from_text": from_text(inputs, rows),
        "pruning": _pruning(inputs),
        "int8": int8_ranges(inputs["model"]),
        "other_words": [name for name, each in inputs.items() if reads_other_words(each.path, inputs["tokens"].path)],
        "onnx_length": _shorter(inputs, "onnx", "length"),
        "coreml_length": _shorter(inputs, "package", "max_length"),
        "lineage": {name: origin_of(each) for name, each in inputs.items()},
    }


def final_of(names: Sequence[str]) -> str:
    """Name the model that the path leads to: an int8 export, else the model itself."""
    return next(name for name in (*FOR_PHONES, "qat", "model") if name in names)


def reference_of(names: Sequence[str]) -> str:
    """Name the model that losses are taken against: the teacher; without one the model as PyTorch computes in float."""
    return next(name for name in REFERENCES if name in names)


def _figures(
    result: Result, found: Mapping[str, Result], reference: str, truth: Any, labels: list[str]
) -> dict[str, Any]:
    source, teacher, known = found.get(result.source), found.get("teacher"), found[reference]
    against = loss_against(known.predicted, result.predicted, truth, labels) if result.name != reference else None
    return {
        "title": TITLES[result.name],
        **asdict(judge_quality(truth, result.predicted, labels)),
        **asdict(judge_calibration(truth, result.probabilities)),
        "agreement_teacher": agreement(result.predicted, teacher.predicted) if teacher else None,
        "agreement_pytorch": agreement(result.predicted, source.predicted) if source else None,
        "source": result.source,
        "bytes": result.bytes,
        "size_parts": result.parts,
        "parameters": result.parameters or (source.parameters if source else 0),
        "unk_rate": result.unknown_share,
        "loss": against,
    }


def _agreement(found: Mapping[str, Result]) -> dict[str, Any]:
    """Share of rows with the same predicted label, of every two models."""
    predicted = np.stack([each.predicted for each in found.values()])
    return {"names": list(found), "matrix": [(predicted == row).mean(axis=1).tolist() for row in predicted]}


def _shorter(inputs: Mapping[str, Artifact], name: str, key: str) -> int:
    """The greatest length that exported files read, where it is less than the tokens'; 0 where it cuts nothing."""
    length = int(inputs[name].meaning.get(key, 0)) if name in inputs else 0
    return length if length < int(inputs["tokens"].meaning["max_length"]) else 0


def _control(inputs: Mapping[str, Artifact]) -> dict[str, dict[str, Any]]:
    """The control student's figures, which distill measured on the whole test split of these very tokens."""
    student = inputs.get("student")
    control = student.meaning.get("control") if student else None
    if not student or not control or student.inputs.get("tokens") != inputs["tokens"].digest:
        return {}
    rows, share = int(inputs["tokens"].meaning["splits"]["test"]), float(control["test_accuracy"])
    low, high = wilson(round(share * rows), rows)
    known = {"accuracy": share, "accuracy_low": low, "accuracy_high": high, "macro_f1": control["test_macro_f1"]}
    gain = {name: control[name] for name in ("gain", "gain_low", "gain_high")}
    return {"control": {"title": TITLES["control"], **known, **dict.fromkeys(UNKNOWN), **gain, **NONE}}


# Of the control distill tells its accuracy and macro-F1, and no row.
UNKNOWN = (
    *("weighted_f1", "ece", "brier", "agreement_teacher", "agreement_pytorch"),
    *("bytes", "size_parts", "parameters", "unk_rate", "loss"),
)
NONE: dict[str, Any] = {"source": "", "per_class": [], "confusion": [], "reliability": []}


def _pruning(inputs: Mapping[str, Artifact]) -> dict[str, Any] | None:
    """The curve that the pruned checkpoint carries; where none is given, that of the model."""
    curve = read_curve(pruned_of(inputs).path)
    return asdict(curve) if curve else None
