"""Entry by entry: sums, products, comparisons, activations, changes of type."""

import torch
from torch import Tensor, nn

from potstill.coreml.mlprogram.table import Dtypes, Settings, compared, operator

# The names of a cast's target, with the dtype and what holds it in memory.
CASTS = {
    "fp16": ("FLOAT16", torch.float32),
    "fp32": ("FLOAT32", torch.float32),
    "int8": ("INT8", torch.int8),
    "uint8": ("UINT8", torch.uint8),
    "int16": ("INT16", torch.int16),
    "uint16": ("UINT16", torch.int32),
    "int32": ("INT32", torch.int32),
    "bool": ("BOOL", torch.bool),
}


@operator("add")
def add(x: Tensor, y: Tensor) -> Tensor:
    """Sum: x + y."""
    return x + y


@operator("sub")
def sub(x: Tensor, y: Tensor) -> Tensor:
    """Difference: x − y."""
    return x - y


@operator("mul")
def mul(x: Tensor, y: Tensor) -> Tensor:
    """Product: x · y."""
    return x * y


@operator("greater_equal", result=compared)
def greater_equal(x: Tensor, y: Tensor) -> Tensor:
    """Comparison: x ≥ y."""
    return x >= y


@operator("relu", exact=True)
def relu(x: Tensor) -> Tensor:
    """max(x, 0)."""
    return torch.relu(x)


@operator("tanh")
def tanh(x: Tensor) -> Tensor:
    """Hyperbolic tangent."""
    return torch.tanh(x)


@operator("gelu")
def gelu(x: Tensor, *, mode: str = "EXACT") -> Tensor:
    """Source: arXiv:1606.08415."""
    if mode == "EXACT":
        return nn.functional.gelu(x)
    if mode == "TANH_APPROXIMATION":
        return nn.functional.gelu(x, approximate="tanh")
    if mode == "SIGMOID_APPROXIMATION":
        return x * torch.sigmoid(1.702 * x)
    raise ValueError(f"mode must be EXACT, TANH_APPROXIMATION or SIGMOID_APPROXIMATION, got {mode}")


def _cast_type(_: Dtypes, settings: Settings) -> str:
    if settings["dtype"] not in CASTS:
        raise ValueError(f"dtype must be one of {', '.join(CASTS)}, got {settings['dtype']}")
    return CASTS[settings["dtype"]][0]


@operator("cast", result=_cast_type)
def cast(x: Tensor, *, dtype: str) -> Tensor:
    """Floats lose their fraction on the way to integers; whatever is not 0 is true."""
    held = CASTS[dtype][1]
    if dtype == "bool":
        return x != 0
    if x.is_floating_point() and not held.is_floating_point:
        x = torch.trunc(x).to(torch.int32)
    return x.to(torch.int32) & 0xFFFF if dtype == "uint16" else x.to(held)
