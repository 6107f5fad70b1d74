"""What a compressed weight is, whichever way it is compressed: its values, and the operators that decompress them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Place:
    """Where a compressed weight goes.

    Attributes:
        name: what its value is called.
        shape: of the weight in the program: (rows, columns); (rows, columns, 1, 1) for a convolution;
            (1, rows, columns) for positions.
        leading: axes of length 1 before the rows.
        dtype: of the weight in the program: float16, or float32 where its operation is kept so.
        before: the operation that the decompression stands before.
        modern: whether the program has the operators of iOS 18.
    """

    name: str
    shape: tuple[int, ...]
    leading: int
    dtype: Any
    before: Any
    modern: bool

    def full(self, array: Array) -> Array:
        """Give (rows, columns, …) the further axes of length 1 that the weight has, around the first two."""
        trailing = len(self.shape) - 2 - self.leading
        return array.reshape((1,) * self.leading + array.shape[:2] + (1,) * trailing + array.shape[2:])


class Form(ABC):
    """A weight (rows, columns) in a compressed form."""

    @property
    @abstractmethod
    def dense(self) -> Tensor:
        """Return the weight that it decompresses to: (rows, columns) float32."""

    @abstractmethod
    def operators(self, modern: bool) -> tuple[str, ...]:
        """Name the operators that decompress it, in order; modern: whether those of iOS 18 are used."""

    @abstractmethod
    def write(self, place: Place) -> Any:
        """Put the decompression into a program; return the value, a `coremltools` Var."""


def pack_bits(values: Array, bits: int) -> npt.NDArray[np.uint8]:
    """Pack integers in [0, 2^bits) into bytes, lowest bit first, as packages hold them before iOS 18."""
    spread = (values.reshape(-1, 1).astype(np.uint8) >> np.arange(bits, dtype=np.uint8)) & 1
    return np.packbits(spread.reshape(-1), bitorder="little")
