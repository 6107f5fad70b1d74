"""Layers that multiply by a matrix, and those that look rows up in one."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from potstill.coreml.neural_network.stored import read_weight
from potstill.coreml.neural_network.table import Compute, layer


@layer("innerProduct")
def inner_product(given: Any) -> Compute:
    """Multiply by (outputs, inputs) the last axis; of four and five axes the last three as one."""
    weight = read_weight(given.weights, (given.outputChannels, given.inputChannels))
    multiply = _product(weight, _bias(given, given.outputChannels), given.int8DynamicQuantize)

    def compute(x: Tensor) -> Tensor:
        if x.dim() < 4:
            return multiply(x)
        return multiply(x.flatten(-3))[..., None, None]

    return compute


@layer("batchedMatmul")
def batched_matmul(given: Any) -> Compute:
    """Multiply two tensors, or one by a weight that is stored column by column."""
    if not given.weightMatrixFirstDimension:
        return lambda a, b: _turned(a, given.transposeA) @ _turned(b, given.transposeB)
    rows, columns = given.weightMatrixFirstDimension, given.weightMatrixSecondDimension
    return _product(read_weight(given.weights, (columns, rows)), _bias(given, columns), given.int8DynamicQuantize)


@layer("embedding")
def embedding(given: Any) -> Compute:
    """Look up columns of (outputs, inputs); three last axes of one entry each become (outputs, 1, 1)."""
    look_up = _look_up(given, given.outputChannels, given.inputDim)
    return lambda x: look_up(x[..., 0, 0, 0])[..., None, None]


@layer("embeddingND")
def embedding_nd(given: Any) -> Compute:
    """Look up columns of (width, vocabulary); the last axis, of one entry, becomes the width."""
    look_up = _look_up(given, given.embeddingSize, given.vocabSize)
    return lambda x: look_up(x[..., 0])


def _product(weight: Tensor, bias: Tensor | None, rounds: bool) -> Callable[[Tensor], Tensor]:
    return lambda x: torch.nn.functional.linear(_rounded(x) if rounds else x, weight, bias)


def _rounded(x: Tensor) -> Tensor:
    """Round an input to int8 and back, as a layer with `int8DynamicQuantize` does: one scale, from the greatest value.

    The format does not say which scale Core ML takes; this is the usual one.
    """
    step = x.abs().max().clamp_min(torch.finfo(torch.float32).tiny) / 127
    return (x / step).round() * step


def _look_up(given: Any, width: int, words: int) -> Callable[[Tensor], Tensor]:
    table = read_weight(given.weights, (width, words)).T.contiguous()
    bias = _bias(given, width)

    def compute(x: Tensor) -> Tensor:
        places = x.round().long()
        if places.numel() and (int(places.min()) < 0 or int(places.max()) >= words):
            raise ValueError(f"ids must be in [0, {words}), got {int(places.min())} to {int(places.max())}")
        return table[places] if bias is None else table[places] + bias

    return compute


def _bias(given: Any, width: int) -> Tensor | None:
    return read_weight(given.bias, (width,)) if given.hasBias else None


def _turned(x: Tensor, turn: bool) -> Tensor:
    return x.transpose(-1, -2) if turn else x
