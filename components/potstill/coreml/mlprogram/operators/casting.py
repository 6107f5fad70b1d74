"""Changes of type."""

import torch
from torch import Tensor

from potstill.coreml.mlprogram.table import Dtypes, Settings, operator

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


def _constant_type(_: Dtypes, settings: Settings) -> str:
    return CASTS[settings["output_dtype"]][0]


@operator("constexpr_cast", result=_constant_type)
def constexpr_cast(source_val: Tensor, *, output_dtype: str) -> Tensor:
    """A constant that lies as float16 in the file, and is computed with as float32."""
    return source_val.to(CASTS[output_dtype][1])
