"""int8 activations: the ranges of what linears read, found by executing the package on real rows.

coremltools calibrates by Core ML itself, which is on Macs only. Here the interpreter computes the values, and
coremltools' own passes put the pairs of quantize and dequantize into the program. A range that is symmetric needs no
zero point, as the Neural Engine's int8 wants it.

Source: coremltools, `optimize/coreml/_quantization_passes.py`; arXiv:1712.05877.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from potstill.coreml.quiet import quiet_coremltools

with quiet_coremltools():
    import coremltools as ct
    from coremltools.converters.mil.mil.passes.pass_registry import PASS_REGISTRY
    from coremltools.optimize.coreml import OpLinearQuantizerConfig, OptimizationConfig

Ranges = Mapping[str, tuple[float, float]]  # by name of a value: its least and its greatest entry
PASSES = (
    "compression::insert_prefix_quantize_dequantize_pair",
    "common::dequantize_quantize_pair_elimination",
    "common::const_deduplication",
    "common::dead_code_elimination",
)
NAMING = "mil_backend::sanitize_name_strings"  # ranges go by the names that values have in the package
LARGEST = 65504.0  # of float16
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
        self.ranges[name] = (float(np.minimum(before[0], low)), float(np.maximum(before[1], high)))


def rounding_activations(program: Any, ranges: Ranges) -> Any:
    """Return the passes that round what linears read to int8.

    A linear that is kept in float32, since float16 cannot hold what it reads, goes on reading floats; and so does one
    that reads nothing but zeros, which have no scale.

    Args:
        program: a `coremltools` MIL program; its values get the names that they have in the package.
        ranges: of at least every value that a linear reads.
    """
    PASS_REGISTRY[NAMING](program)
    operations = [each for each in program.functions["main"].operations if each.op_type in ROUNDED]
    floats = [each.name for each in operations if not _holds(ranges[each.inputs["x"].name])]
    each = OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int8")
    config = OptimizationConfig(
        op_type_configs=dict.fromkeys(ROUNDED, each), op_name_configs=dict.fromkeys(floats, None)
    )
    pipeline = ct.PassPipeline(list(PASSES), "int8 activations")
    stats = {name: {"rmin": low, "rmax": high} for name, (low, high) in ranges.items()}
    pipeline.set_options(PASSES[0], {"config": config, "activation_stats": stats})
    return pipeline


def _holds(reach: tuple[float, float]) -> bool:
    """Tell whether int8 on a float16 scale can hold a range."""
    return 0 < max(abs(reach[0]), abs(reach[1])) <= LARGEST
