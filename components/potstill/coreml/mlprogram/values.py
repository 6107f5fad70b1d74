"""Constants of a program: from the file's bytes to values in memory."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from potstill.coreml.mlprogram.types import MEMORY, PACKED_BITS, STORED, TensorType, stored_bytes, tensor_type
from potstill.coreml.mlprogram.weights import WeightFile
from potstill.errors import DamagedError

WIDER = {"UINT16": np.int32, "UINT32": np.int64}  # torch takes them from numpy only so

Constant = torch.Tensor | str | list[Any]


def read_constant(value: Any, weights: WeightFile, place: str) -> Constant:
    """Turn a `MILSpec.Value` into a tensor held as its type is (see types), a text, or a list of texts.

    Raises:
        DamagedError: a value whose bytes do not fill its declared shape.
    """
    declared = tensor_type(value.type, place)
    if declared is None:
        return [read_constant(each, weights, place) for each in value.immediateValue.list.values]
    if value.WhichOneof("value") == "blobFileValue":
        return _tensor(weights.read(value.blobFileValue.offset), declared, place)
    tensor = value.immediateValue.tensor
    kind = tensor.WhichOneof("value")
    if declared.dtype == "STRING":
        texts = [str(each) for each in tensor.strings.values]
        return texts if declared.shape else texts[0]
    if kind == "bytes":
        return _tensor(tensor.bytes.values, declared, place)
    return _numbers(list(getattr(tensor, kind).values) if kind else [], declared, place)


def unpack(data: bytes, bits: int, count: int, signed: bool = False) -> npt.NDArray[Any]:
    """Unpack `count` integers of `bits` bits each, lowest bit first, to int8 or uint8."""
    flat = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[: count * bits]
    worth = 1 << np.arange(bits, dtype=np.int16)
    values: npt.NDArray[np.int16] = flat.reshape(count, bits) @ worth
    if not signed:
        return values.astype(np.uint8)
    negative: npt.NDArray[np.bool_] = values >= 1 << (bits - 1)
    return (values - (negative.astype(np.int16) << bits)).astype(np.int8)


def _tensor(data: bytes, declared: TensorType, place: str) -> torch.Tensor:
    bits = PACKED_BITS.get(declared.dtype)
    wanted = stored_bytes(declared)
    if len(data) < wanted:
        raise DamagedError(
            f"{place}: a constant has {len(data)} bytes, its declared shape {declared.shape} wants {wanted}"
        )
    if bits:
        array = unpack(data, bits, declared.size, signed=declared.dtype.startswith("INT"))
        return torch.from_numpy(array.reshape(declared.fixed))
    return _held(np.frombuffer(data, STORED[declared.dtype], declared.size), declared)


def _numbers(numbers: list[Any], declared: TensorType, place: str) -> torch.Tensor:
    if len(numbers) != declared.size:
        raise DamagedError(f"{place}: a constant has {len(numbers)} values, its declared shape is {declared.shape}")
    return _held(np.array(numbers, STORED[declared.dtype]), declared)


def _held(array: npt.NDArray[Any], declared: TensorType) -> torch.Tensor:
    wide = array.astype(WIDER.get(declared.dtype, array.dtype))
    return torch.from_numpy(wide.reshape(declared.fixed)).to(MEMORY[declared.dtype])
