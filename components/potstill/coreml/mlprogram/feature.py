"""What a package says of an input: its type, and the shapes that it takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from potstill.coreml.mlprogram.types import TensorType

UNBOUNDED = -1  # the upper end of a range without one


@dataclass(frozen=True)
class Feature:
    """An input.

    Attributes:
        dtype: what the package computes with: FLOAT32, FLOAT16 or INT32.
        shape: number of entries along each axis; None where it is flexible.
        default: a shape that is taken, the one that the package names first.
        shapes: every shape that is taken, where the package lists them.
        ranges: least and greatest length of each axis, where the package gives ranges; None is no end.
        optional: what the input is filled with where it is left out; None if it must be given.
    """

    dtype: str
    shape: tuple[int | None, ...]
    default: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...] = ()
    ranges: tuple[tuple[int, int | None], ...] = ()
    optional: float | None = None

    @property
    def flexible(self) -> bool:
        """Whether more than one shape is taken."""
        return None in self.shape

    @property
    def allowed(self) -> str:
        """The shapes that are taken, in words: `1 × 64`, `1 × 16 or 1 × 32`, `1 × 3 to 128`."""
        if self.shapes:
            return " or ".join(_said(each) for each in self.shapes)
        if self.ranges:
            return _said(_range_said(low, high) for low, high in self.ranges)
        return _said("any" if length is None else length for length in self.shape)

    def accepts(self, shape: Sequence[int]) -> bool:
        """Whether an array of this shape is taken."""
        if not TensorType(self.dtype, self.shape).fits(shape):
            return False
        if self.shapes:
            return tuple(shape) in self.shapes
        within = zip(self.ranges, shape, strict=True) if self.ranges else ()
        return all(low <= length and (high is None or length <= high) for (low, high), length in within)


def feature(declared: TensorType, described: Any) -> Feature:
    """Join what a program declares of an input with what the package's description says of it.

    Args:
        declared: the type in the program; an axis that may vary is None.
        described: the `CoreML.Specification.FeatureDescription` message; None if there is none.
    """
    array = described.type.multiArrayType if described is not None else None
    if array is None or not array.shape:
        return Feature(declared.dtype, declared.shape, tuple(1 if each is None else each for each in declared.shape))
    shapes = tuple(tuple(int(length) for length in each.shape) for each in array.enumeratedShapes.shapes)
    ranges = tuple(
        (int(each.lowerBound), None if each.upperBound == UNBOUNDED else int(each.upperBound))
        for each in array.shapeRange.sizeRanges
    )
    optional = _default_value(array) if described.type.isOptional else None
    return Feature(declared.dtype, declared.shape, tuple(int(each) for each in array.shape), shapes, ranges, optional)


def _default_value(array: Any) -> float:
    kind = array.WhichOneof("defaultOptionalValue")
    return float(getattr(array, kind)) if kind else 0.0


def _range_said(low: int, high: int | None) -> str:
    if high is None:
        return f"{low} or more"
    return str(low) if low == high else f"{low} to {high}"


def _said(lengths: Any) -> str:
    return " × ".join(str(each) for each in lengths) or "a scalar"
