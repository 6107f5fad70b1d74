"""The options of coreml-export."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from potstill.coreml.lengths import Lengths, read_lengths
from potstill.coreml_export.formats import FORMATS, TARGETS, first_target
from potstill.options import Threads, choose, options

STANDARD, CHANNELS_FIRST = "standard", "channels_first"
LAYOUTS = (STANDARD, CHANNELS_FIRST)
COMPUTE_UNITS = ("all", "cpuOnly", "cpuAndGPU", "cpuAndNeuralEngine")  # Core ML's MLComputeUnits


@options
class CoremlExportConfig:
    """Core ML packages for iPhone and Mac apps, and how near to PyTorch they must be."""

    formats: str = "fp16,int8"
    """Packages to write, separated by commas: fp32, fp16, int8, int4, palette8, palette6, palette4, palette2, sparse,
    sparse_int8, sparse_palette8 (6, 4, 2), palette8_int8 (6, 4, 2), w8a8."""
    target: str = "iOS16"
    """The oldest system that runs them: iOS15, iOS16, iOS17 or iOS18 (and the macOS of that year)."""
    length: str = ""
    """Tokens of a text, padding included: 32 (fixed), 16,32,64 (any of these; iOS18), 3-64 (any between); empty: fixed
    at what the tokens were cut to."""
    layout: str = STANDARD
    """standard (batch, tokens, width) or channels_first (batch, width, 1, tokens), as Apple's own models for the Neural
    Engine."""
    block_size: Annotated[int, Field(ge=2)] = 32
    """Weights of a row that share a scale in int4: the greatest divisor of the row's width that is not above this."""
    group_size: Annotated[int, Field(ge=0)] = 0
    """Rows that share a palette: the greatest divisor of the rows that is not above this (iOS18); 0: all rows."""
    sparsity: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of each weight's entries, the smallest ones, that sparse formats make 0."""
    calibration_rows: Annotated[int, Field(ge=1)] = 256
    """Rows of the train split on which w8a8 learns the ranges of activations; all of them when it has fewer."""
    compute_units: str = "all"
    """What the app should let compute, written into the metadata: all, cpuOnly, cpuAndGPU or cpuAndNeuralEngine."""
    author: str = "potstill"
    """Who answers for the model, as Xcode shows it."""
    version: str = "1.0"
    """Version of the model, as Xcode shows it."""
    parity_rows: Annotated[int, Field(ge=1)] = 64
    """Rows of the test split on which each package is executed and compared; all of them when it has fewer."""
    tolerance: Annotated[float, Field(gt=0)] = 0.05
    """Greatest difference of a logit between a package and PyTorch with the same weights, rounded likewise; w8a8 rounds
    activations, too, and is held to minimum_agreement alone."""
    minimum_agreement: Annotated[float, Field(ge=0, le=1)] = 0.98
    """Smallest share of rows to which a package gives PyTorch's label, in [0, 1]; a near tie may fall either way."""
    threads: Threads = 1
    """CPU threads of the comparison."""

    @field_validator("formats")
    @classmethod
    def _known_formats(cls, value: str) -> str:
        named = [choose("formats", name.strip(), FORMATS) for name in value.split(",") if name.strip()]
        if not named:
            raise ValueError(f"formats must name at least one of {', '.join(FORMATS)}, got {value!r}")
        return ",".join(name for name in FORMATS if name in named)

    @field_validator("target")
    @classmethod
    def _known_target(cls, value: str) -> str:
        return choose("target", value, TARGETS)

    @field_validator("layout")
    @classmethod
    def _known_layout(cls, value: str) -> str:
        return choose("layout", value, LAYOUTS)

    @field_validator("compute_units")
    @classmethod
    def _known_units(cls, value: str) -> str:
        return choose("compute_units", value, COMPUTE_UNITS)

    @field_validator("length")
    @classmethod
    def _readable_length(cls, value: str) -> str:
        return str(read_lengths(value) or "")

    @model_validator(mode="after")
    def _young_enough(self) -> Self:
        wanted = {name: first_target(name) for name in self.named}
        if self.group_size and any("palette" in name for name in wanted):
            wanted["group_size"] = "iOS18"
        lengths = read_lengths(self.length)
        if lengths and lengths.enumerated:
            wanted[f"length {self.length}"] = "iOS18"
        needed = max(wanted.values())
        if self.target < needed:
            late = ", ".join(name for name, target in wanted.items() if target > self.target)
            raise ValueError(f"{late} need {needed} or later, got target {self.target}; pass --target {needed}")
        return self

    @property
    def named(self) -> Sequence[str]:
        """The formats asked for, in the order of FORMATS."""
        return self.formats.split(",")

    def lengths(self, fallback: int) -> Lengths:
        """Return the lengths that the packages take; fallback: the fixed length where the option is empty."""
        return read_lengths(self.length) or Lengths((fallback,))
