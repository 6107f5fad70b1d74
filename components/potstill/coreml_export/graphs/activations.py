"""int8 activations: the ranges of what linears read, found by executing the package on real rows.

coremltools calibrates by Core ML itself, which is on Macs only. Here the interpreter computes the values, and
coremltools' own passes put the pairs of quantize and dequantize into the program. A range that is symmetric needs no
zero point, as the Neural Engine's int8 wants it.

Source: coremltools, `optimize/coreml/_quantization_passes.py`; arXiv:1712.05877.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from potstill.coreml.quiet import quiet_coremltools

with quiet_coremltools():
    import coremltools as ct
    from coremltools.optimize.coreml import OpLinearQuantizerConfig, OptimizationConfig

Ranges = Mapping[str, tuple[float, float]]  # by name of a value: its least and its greatest entry
PASSES = (
    "mil_backend::sanitize_name_strings",  # ranges go by the names that values have in the package
    "compression::insert_prefix_quantize_dequantize_pair",
    "common::dequantize_quantize_pair_elimination",
    "common::const_deduplication",
    "common::dead_code_elimination",
)
ROUNDED = ("linear", "conv")  # what computes with int8 inputs


class Observed:
    """The least and the greatest entry of every floating value that a program computes.

    Attributes:
        ranges: by name of the value.
    """

    def __init__(self) -> None:
        self.ranges: dict[str, tuple[float, float]] = {}

    def __call__(self, name: str, value: Tensor) -> None:
        """Take a value into account; NaN spoils a range for good."""
        low, high = (float(each) for each in value.aminmax())
        before = self.ranges.get(name, (low, high))
        self.ranges[name] = (min(before[0], low), max(before[1], high))


def rounding_activations(ranges: Ranges) -> Any:
    """Return the passes that round what linears read to int8.

    Args:
        ranges: of at least every value that a linear reads.
    """
    pipeline = ct.PassPipeline(list(PASSES), "int8 activations")
    each = OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int8")
    pipeline.set_options(
        PASSES[1],
        {
            "config": OptimizationConfig(op_type_configs=dict.fromkeys(ROUNDED, each)),
            "activation_stats": {name: {"rmin": low, "rmax": high} for name, (low, high) in ranges.items()},
        },
    )
    return pipeline
