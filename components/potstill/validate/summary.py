"""The figures that come out the same each time: quality, agreement and size of every model, and their lineage."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from potstill.artifacts import Artifact
from potstill.licences import strictest
from potstill.measure.intervals import wilson
from potstill.measure.quality import Labels, agreement, judge_quality
from potstill.prune.curve import read_curve
from potstill.validate.candidates import FOR_PHONES, TITLES
from potstill.validate.inputs import pruned_of
from potstill.validate.int8_ranges import int8_ranges
from potstill.validate.other_words import reads_other_words
from potstill.validate.results import Result


def summarize(results: Sequence[Result], inputs: Mapping[str, Artifact], truth: Labels) -> dict[str, Any]:
    """Make the body of `summary.json`.

    Args:
        results: one per candidate and rival.
        inputs: the artifacts that were read, by the name of the stage's parameter.
        truth: (rows,) true labels.

    Returns: JSON values. `models` holds one entry per result, in the order of TITLES, with shares in [0, 1] and null
        where there is nothing to compare with; `final` names the model that the path leads to; `pruning` is the curve
        of the pruning, or null; `int8` tells in short of the quantised model's ranges, or is null; `other_words` names
        the inputs that have another tokenizer than the tokens; `onnx_length` and `coreml_length` are the lengths that
        these files cut texts to, or 0.
    """
    labels, found = list(inputs["tokens"].meaning["labels"]), {each.name: each for each in results}
    models = {each.name: _figures(each, found, truth, labels) for each in results} | _control(inputs)
    return {
        "rows": len(truth),
        "labels": labels,
        "licence": asdict(strictest(each.licence for each in inputs.values())),
        "final": final_of(list(models)),
        "models": {name: models[name] for name in TITLES if name in models},
        "pruning": _pruning(inputs),
        "int8": int8_ranges(inputs["model"]),
        "other_words": [name for name, each in inputs.items() if reads_other_words(each.path, inputs["tokens"].path)],
        "onnx_length": _shorter(inputs, "onnx", "length"),
        "coreml_length": _shorter(inputs, "package", "max_length"),
        "lineage": {name: _origin(each) for name, each in inputs.items()},
    }


def final_of(names: Sequence[str]) -> str:
    """Name the model that the path leads to: an int8 export, else the model itself."""
    return next(name for name in (*FOR_PHONES, "qat", "model") if name in names)


def _figures(result: Result, found: Mapping[str, Result], truth: Labels, labels: list[str]) -> dict[str, Any]:
    source, teacher = found.get(result.source), found.get("teacher")
    return {
        "title": TITLES[result.name],
        **asdict(judge_quality(truth, result.predicted, labels)),
        "agreement_teacher": agreement(result.predicted, teacher.predicted) if teacher else None,
        "agreement_pytorch": agreement(result.predicted, source.predicted) if source else None,
        "source": result.source,
        "bytes": result.bytes,
        "parameters": result.parameters or (source.parameters if source else 0),
    }


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
    unknown = dict.fromkeys(("agreement_teacher", "agreement_pytorch", "bytes", "parameters"))
    gain = {name: control[name] for name in ("gain", "gain_low", "gain_high")}
    shown = {"title": TITLES["control"], **known, **unknown, **gain, "source": "", "per_class": [], "confusion": []}
    return {"control": shown}


def _pruning(inputs: Mapping[str, Artifact]) -> dict[str, Any] | None:
    """The curve that the pruned checkpoint carries; where none is given, that of the model."""
    curve = read_curve(pruned_of(inputs).path)
    return asdict(curve) if curve else None


def _origin(artifact: Artifact) -> dict[str, Any]:
    return {
        "kind": artifact.kind,
        "digest": artifact.digest,
        "stage": artifact.made_by["stage"],
        "inputs": dict(artifact.inputs),
        "licence": artifact.licence.expression,
    }
