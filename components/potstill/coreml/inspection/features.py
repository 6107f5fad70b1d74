"""Inputs, outputs and labels in words."""

from typing import Any

from potstill.coreml.features import array_type, lengths
from potstill.coreml.inspection.facts import Described
from potstill.coreml.mlprogram.feature import feature
from potstill.coreml.mlprogram.types import TensorType
from potstill.coreml.package import PIPELINES, Package

PLAIN = {"stringType": "text", "int64Type": "int64", "doubleType": "float64", "stateType": "state"}


def described(message: Any) -> Described:
    """Say what a `FeatureDescription` message declares."""
    kind = message.type.WhichOneof("Type") or "nothing"
    note = message.shortDescription
    if kind == "multiArrayType":
        array = message.type.multiArrayType
        optional = ["may be left out"] if message.type.isOptional else []
        return Described(
            message.name, array_type(array).lower(), _shape(array, message), "; ".join(filter(None, [*optional, note]))
        )
    if kind == "dictionaryType":
        key = "text" if message.type.dictionaryType.WhichOneof("KeyType") == "stringKeyType" else "int64"
        return Described(message.name, f"dictionary of {key} → float64", "", note)
    return Described(message.name, PLAIN.get(kind, kind), "", note)


def labels_of(package: Package) -> tuple[str | int, ...]:
    """Return a classifier's labels in the order of its scores; () of another model."""
    if package.kind in PIPELINES:
        return next((found for part in reversed(package.parts) if (found := labels_of(part))), ())
    if package.kind == "neuralNetworkClassifier":
        network = package.model.neuralNetworkClassifier
        kind = network.WhichOneof("ClassLabels")
        return tuple(getattr(network, kind).vector) if kind else ()
    return _labels_of_program(package) if package.functions else ()


def _labels_of_program(package: Package) -> tuple[str | int, ...]:
    """The constant list that the operation `classify` reads."""
    operations = package.block.operations
    classify = next((each for each in operations if each.type == "classify"), None)
    if classify is None or "classes" not in classify.inputs:
        return ()
    binding = classify.inputs["classes"].arguments[0]
    value = binding.value
    if binding.WhichOneof("binding") != "value":
        constant = next((each for each in operations if any(o.name == binding.name for o in each.outputs)), None)
        value = constant.attributes["val"] if constant is not None else value
    return tuple(_label(each) for each in value.immediateValue.list.values)


def _label(value: Any) -> str | int:
    tensor = value.immediateValue.tensor
    kind = tensor.WhichOneof("value")
    found: str | int = getattr(tensor, kind).values[0] if kind else ""
    return found


def _shape(array: Any, message: Any) -> str:
    if not array.shape:
        return ""
    return feature(TensorType(array_type(array), lengths(array)), message).allowed
