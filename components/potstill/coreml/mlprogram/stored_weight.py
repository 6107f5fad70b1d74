"""What a package says of a weight: how it lies in the file, and what it is once decompressed."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from potstill.coreml.mlprogram.values import Constant


@dataclass(frozen=True, eq=False)
class Weight:
    """A constant that the program computes with.

    Attributes:
        name: of the dense value, in the package.
        shape: of the dense value.
        dtype: that the package declares for the dense value, such as FLOAT16.
        operators: which operators decompress it, in order; () where it lies in the file as it is.
        parts: what those operators read from the file (data, scale, indices, …), by parameter; {} where there are none.
        stored_bytes: what it takes in the file, its scales and palettes and masks with it.
        value: the dense tensor that is computed with; float16 is held as float32.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    operators: tuple[str, ...]
    parts: Mapping[str, Constant]
    stored_bytes: int
    value: Tensor
