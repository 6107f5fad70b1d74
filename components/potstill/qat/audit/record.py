"""What a range audit found, as it lies beside a checkpoint."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from potstill.qat.beside import STRICT, read_record, write_record

AUDIT, DRAWING = "range_audit.json", "range_audit.svg"
Side = Literal["input", "output"]
FLOAT16_LIMIT = 65504.0  # the greatest float16
STEPS = 256  # of a uint8


@dataclass(frozen=True)
class Thresholds:
    """Where a tensor begins to hurt.

    Attributes:
        levels: fewer steps for 99 % of the values. 16 are 4 bits. Students that lose nothing (BERT, MobileBERT on
            Chinese headlines) use 17 and more. A BERT with one channel of 512 made 20 times larger in each layer
            uses 5 in the linear that costs it most. That channel is 0.2 % of the values: 99.9 % of them use 57.
        clipped: a greater share of clipped values. Calibrations clip 0.1 % and less, on purpose.
        headroom: float16's limit is fewer times the greatest value. 8 is for texts unlike these rows, and for sums of
            several such tensors before they are normalised.
    """

    __pydantic_config__ = STRICT
    levels: int = 16
    clipped: float = 0.01
    headroom: float = 8.0


@dataclass(frozen=True)
class AuditedTensor:
    """One tensor, over all rows and all calls of its module.

    Attributes:
        name: the module that it goes into or comes out of.
        side: which of the two.
        also: where else the same tensor goes in or comes out, in words.
        greatest: max |x|.
        p999: the least magnitude that 99.9 % of the values that are not 0 do not exceed.
        p99: that 99 % of them do not exceed.
        low: the least value that its quantiser represents; None where it has no standing int8 range.
        high: the greatest, likewise.
        clipped: share of its values in [0, 1] that lie beyond its ends by more than rounding, likewise.
        levels: how many of the quantiser's 256 steps the values up to p99 use, likewise.
        headroom: how many times float16's limit is the greatest value; None where all values are 0.
        hurts: what is wrong with it, in a plain sentence; empty where nothing is.
    """

    __pydantic_config__ = STRICT
    name: str
    side: Side
    also: tuple[str, ...]
    greatest: float
    p999: float
    p99: float
    low: float | None
    high: float | None
    clipped: float | None
    levels: int | None
    headroom: float | None
    hurts: str = ""

    @property
    def title(self) -> str:
        """The tensor in words."""
        return f"{self.side} of {self.name}"

    @property
    def reach(self) -> float | None:
        """The greatest magnitude that its quantiser represents."""
        return None if self.low is None or self.high is None else max(-self.low, self.high)


@dataclass(frozen=True)
class Audit:
    """The ranges of a model's tensors on some rows.

    Attributes:
        split: which rows they were measured on.
        rows: how many.
        int8_linears: names of the linears that compute in int8, in the model's order.
        float_linears: names of those that stay float.
        tensors: in the order in which the model computes them.
        thresholds: where a tensor begins to hurt.
    """

    __pydantic_config__ = STRICT
    split: str
    rows: int
    int8_linears: tuple[str, ...]
    float_linears: tuple[str, ...]
    tensors: tuple[AuditedTensor, ...]
    thresholds: Thresholds = field(default_factory=Thresholds)


def audit_from(value: Any) -> Audit:
    """Read an audit from JSON values.

    Raises:
        ValueError: they are none.
    """
    return TypeAdapter(Audit).validate_python(value)


def write_figures(folder: Path, found: Audit) -> None:
    """Write `range_audit.json`; the same audit gives the same bytes."""
    write_record(folder / AUDIT, found)


def read_audit(folder: Path) -> Audit | None:
    """Read the audit that a checkpoint's folder carries; None where it carries none.

    Raises:
        ArtifactError: there is a `range_audit.json` that is no audit.
    """
    return read_record(folder / AUDIT, Audit, "the range audit of a quantised model")
