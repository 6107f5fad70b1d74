"""What each operator computes, by theme. A new operator is one decorated function in the file of its theme.

An operator is a function of tensors. Parameters that stand before `*` are tensors, constant or computed; those after
`*` are settings, mostly constant, which arrive as Python values. Names and meaning are those of the MIL specification:
https://apple.github.io/coremltools/source/coremltools.converters.mil.mil.ops.defs.html
"""

from potstill.coreml.mlprogram.operators import (
    activations,
    arithmetic,
    casting,
    classifying,
    comparing,
    convolving,
    decompression,
    indexing,
    layers,
    making,
    normalising,
    quantizing,
    reducing,
    scattering,
    shaping,
    slicing,
    sorting,
)
from potstill.coreml.mlprogram.table import OPERATORS

__all__ = [
    "OPERATORS",
    "activations",
    "arithmetic",
    "casting",
    "classifying",
    "comparing",
    "convolving",
    "decompression",
    "indexing",
    "layers",
    "making",
    "normalising",
    "quantizing",
    "reducing",
    "scattering",
    "shaping",
    "slicing",
    "sorting",
]
