"""The types that an mlprogram declares, and how values of each are held in memory.

float16 values are held as float32 that were rounded to float16: every operator computes in float32, as the most exact
of Core ML's own kernels do, and its result is rounded to what the package declares.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch

from potstill.coreml.quiet import quiet_coremltools
from potstill.errors import InputError

with quiet_coremltools():
    from coremltools.proto import MIL_pb2

NAMES = {number: name for name, number in MIL_pb2.DataType.items()}
INTEGERS = ("INT8", "UINT8", "INT16", "UINT16", "INT32")
FLOATS = ("FLOAT16", "FLOAT32")

# How a value is held. Torch has no arithmetic for unsigned integers wider than 8 bits, so these lie in wider ones.
MEMORY = {
    "BOOL": torch.bool,
    "FLOAT16": torch.float32,
    "FLOAT32": torch.float32,
    "INT8": torch.int8,
    "UINT8": torch.uint8,
    "INT16": torch.int16,
    "UINT16": torch.int32,
    "INT32": torch.int32,
    "UINT32": torch.int64,
    "INT64": torch.int64,
    "INT4": torch.int8,
    **dict.fromkeys(("UINT1", "UINT2", "UINT3", "UINT4", "UINT6"), torch.uint8),
}

# How a value lies in a file, byte by byte; the narrower ones are packed, lowest bit first.
STORED = {
    "BOOL": np.dtype(np.bool_),
    "FLOAT16": np.dtype("<f2"),
    "FLOAT32": np.dtype("<f4"),
    "INT8": np.dtype(np.int8),
    "UINT8": np.dtype(np.uint8),
    "INT16": np.dtype("<i2"),
    "UINT16": np.dtype("<u2"),
    "INT32": np.dtype("<i4"),
    "UINT32": np.dtype("<u4"),
    "INT64": np.dtype("<i8"),
}
PACKED_BITS = {"UINT1": 1, "UINT2": 2, "UINT3": 3, "UINT4": 4, "UINT6": 6, "INT4": 4}


@dataclass(frozen=True)
class TensorType:
    """A declared type.

    Attributes:
        dtype: the name that the format gives it, such as FLOAT16 or INT32; STRING for text.
        shape: number of entries along each axis, None where it may vary; () for a scalar.
    """

    dtype: str
    shape: tuple[int | None, ...]

    @property
    def fixed(self) -> tuple[int, ...]:
        """The shape of a type that does not vary."""
        return tuple(length for length in self.shape if length is not None)

    @property
    def size(self) -> int:
        """Number of entries of a type that does not vary."""
        return prod(self.fixed)

    def fits(self, shape: Sequence[int]) -> bool:
        """Whether a tensor of this shape is of the declared one: its rank, and every length that is not left open."""
        return len(shape) == len(self.shape) and all(
            known is None or known == found for known, found in zip(self.shape, shape, strict=True)
        )


def tensor_type(declared: Any, place: str) -> TensorType | None:
    """Read a declared type; None for the lists and dictionaries of a classifier.

    Raises:
        InputError: a type that no operator here knows.
    """
    kind = declared.WhichOneof("type")
    if kind in ("listType", "dictionaryType"):
        return None
    if kind != "tensorType":
        raise InputError(f"{place}: values of {kind or 'no type'} are not executed; wanted are tensors")
    tensor = declared.tensorType
    dtype = NAMES[tensor.dataType]
    if dtype != "STRING" and dtype not in MEMORY:
        raise InputError(f"{place}: type {dtype} is not executed; types are: {', '.join(MEMORY)}")
    return TensorType(dtype, tuple(_length(each) for each in tensor.dimensions))


def stored_bytes(declared: TensorType) -> int:
    """What a constant of this type takes in a file, in bytes; a text takes none that count."""
    if declared.dtype in PACKED_BITS:
        return -(-declared.size * PACKED_BITS[declared.dtype] // 8)
    return declared.size * STORED[declared.dtype].itemsize if declared.dtype in STORED else 0


def _length(dimension: Any) -> int | None:
    return int(dimension.constant.size) if dimension.WhichOneof("dimension") == "constant" else None
