"""The features that a model describes: what it takes and gives."""

from typing import Any

from potstill.coreml.mlprogram.feature import Feature, feature
from potstill.coreml.mlprogram.types import TensorType
from potstill.coreml.quiet import quiet_coremltools
from potstill.errors import InputError

with quiet_coremltools():
    from coremltools.proto import FeatureTypes_pb2

NUMBERS = {"int64Type": "INT64", "doubleType": "FLOAT64"}  # a single number, no array


def array_type(array: Any) -> str:
    """Return the dtype of an `ArrayFeatureType` message, such as FLOAT32."""
    name = str(FeatureTypes_pb2.ArrayFeatureType.ArrayDataType.Name(array.dataType))
    return "FLOAT64" if name == "DOUBLE" else name


def described_input(described: Any, place: str) -> Feature:
    """Read the `FeatureDescription` message of an input.

    Raises:
        InputError: it takes something else than numbers, an image for instance.
    """
    kind = described.type.WhichOneof("Type")
    if kind in NUMBERS:
        return Feature(NUMBERS[kind], (), ())
    if kind != "multiArrayType":
        raise InputError(f"{place}: input {described.name} is a {kind}; wanted are arrays and numbers")
    array = described.type.multiArrayType
    return feature(TensorType(array_type(array), lengths(array)), described)


def lengths(array: Any) -> tuple[int | None, ...]:
    """Return the shape that an `ArrayFeatureType` message declares, None where it is flexible."""
    lengths = [int(each) for each in array.shape]
    seen = [{length} for length in lengths]
    for shape in array.enumeratedShapes.shapes:
        for axis, length in enumerate(shape.shape):
            seen[axis].add(int(length))
    for axis, each in enumerate(array.shapeRange.sizeRanges):
        seen[axis] |= {int(each.lowerBound), int(each.upperBound)}
    return tuple(length if len(known) == 1 else None for length, known in zip(lengths, seen, strict=True))
