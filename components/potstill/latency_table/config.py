"""latency-table's options."""

from typing import Annotated

from pydantic import Field, field_validator

from potstill.options import Threads, choose, options

OPTIMIZED, INT8 = "optimized", "int8"
FORMATS = (OPTIMIZED, INT8)  # of onnx-export; its fp32 and int8_qdq files need no table of their own shape


@options
class LatencyTableConfig:
    """What is run, and how often."""

    length: Annotated[int, Field(ge=1)] = 32
    """Tokens of the row that is timed."""
    format: str = OPTIMIZED
    """What runs: optimized (fused, fp32) or int8 (fused, dynamic), as onnx-export makes them."""
    threads: Threads = 1
    """Threads within an operator. A phone's single row is served by one."""
    sizes: Annotated[int, Field(ge=2, le=16)] = 4
    """How many numbers of heads, and of FFN neurons, are measured; the line between two of them tells the rest."""
    repeats: Annotated[int, Field(ge=10)] = 50
    """How often each shape is timed; the shapes take turns, so that a slow minute slows all of them."""

    @field_validator("format")
    @classmethod
    def _format(cls, value: str) -> str:
        return choose("format", value, FORMATS)
