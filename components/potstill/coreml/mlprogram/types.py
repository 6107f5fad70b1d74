"""The types that an mlprogram declares, and how values of each are held in memory.

float16 values are held as float32 that were rounded to float16: every operator computes in float32, as the most exact
of Core ML's own kernels do, and its result is rounded to what the package declares.
"""

from dataclasses import dataclass
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
}
PACKED_BITS = {"UINT1": 1, "UINT2": 2, "UINT3": 3, "UINT4": 4, "UINT6": 6, "INT4": 4}


@dataclass(frozen=True)
class TensorType:
    """A declared type.

    Attributes:
        dtype: the name that the format gives it, such as FLOAT16 or INT32; STRING for text.
        shape: number of entries along each axis; () for a scalar.
    """

    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of entries."""
        return int(np.prod(self.shape, dtype=np.int64))


def tensor_type(declared: Any, place: str) -> TensorType | None:
    """Read a declared type; None for the lists and dictionaries of a classifier.

    Raises:
        InputError: a flexible shape, or a type that no operator here knows.
    """
    if declared.WhichOneof("type") in ("listType", "dictionaryType"):
        return None
    tensor = declared.tensorType
    dtype = NAMES[tensor.dataType]
    if dtype != "STRING" and dtype not in MEMORY:
        raise InputError(f"{place}: type {dtype} is not executed; types are: {', '.join(MEMORY)}")
    if any(each.WhichOneof("dimension") != "constant" for each in tensor.dimensions):
        raise InputError(f"{place}: a flexible shape is not executed; convert the model with a fixed length")
    return TensorType(dtype, tuple(int(each.constant.size) for each in tensor.dimensions))
