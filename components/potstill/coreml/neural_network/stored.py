"""Weights of a layer: as floats, as float16, or rounded to few bits with a scale or a table of values.

Source: WeightParams in NeuralNetwork.proto, apple/coremltools.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import torch


def read_weight(stored: Any, shape: Sequence[int]) -> torch.Tensor:
    """Read a `WeightParams` message.

    Args:
        stored: the message.
        shape: of the weight; where it is rounded with several scales, they belong to the first axis.

    Returns: float32 of that shape.

    Raises:
        ValueError: the message holds another number of values.
    """
    values = _values(stored, prod(shape))
    if values.size != prod(shape):
        raise ValueError(f"a weight has {values.size} values, its shape {tuple(shape)} wants {prod(shape)}")
    return torch.from_numpy(values.astype(np.float32).reshape(tuple(shape)))


def read_vector(stored: Any) -> torch.Tensor:
    """Read a `WeightParams` message of floats, as many as it holds, as float32."""
    return torch.from_numpy(_floats(stored).astype(np.float32))


def _values(stored: Any, count: int) -> npt.NDArray[Any]:
    quantization = stored.quantization
    kind = quantization.WhichOneof("QuantizationType")
    if kind is None:
        return _floats(stored)
    whole = _whole(stored, int(quantization.numberOfBits), count)
    if kind == "lookupTableQuantization":
        chosen: npt.NDArray[Any] = np.array(quantization.lookupTableQuantization.floatValue)[whole]
        return chosen
    linear = quantization.linearQuantization
    values: npt.NDArray[Any] = _rows(whole, linear.scale) * np.array(linear.scale)[:, None] + _offsets(linear)
    return values.reshape(-1)


def _floats(stored: Any) -> npt.NDArray[Any]:
    return np.frombuffer(stored.float16Value, "<f2") if stored.float16Value else np.array(stored.floatValue)


def _rows(whole: npt.NDArray[Any], scales: Sequence[float]) -> npt.NDArray[Any]:
    if not scales or whole.size % len(scales):
        raise ValueError(f"{len(scales)} scales do not divide a weight of {whole.size} values")
    return whole.reshape(len(scales), -1).astype(np.float64)


def _offsets(linear: Any) -> npt.NDArray[Any]:
    return np.array(linear.bias or [0.0])[:, None]


def _whole(stored: Any, bits: int, count: int) -> npt.NDArray[Any]:
    """Unpack `count` whole numbers; unlike those of an mlprogram, they lie with their highest bit first."""
    if stored.int8RawValue:
        return np.frombuffer(stored.int8RawValue, np.int8)
    flat = np.unpackbits(np.frombuffer(stored.rawValue, np.uint8))[: count * bits]
    whole: npt.NDArray[Any] = flat.reshape(-1, bits) @ (1 << np.arange(bits)[::-1])
    return whole
