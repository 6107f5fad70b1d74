"""The latency table: milliseconds by heads and by FFN neurons, which add up to those of any shape."""

import dataclasses
import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic.dataclasses import dataclass

from potstill.errors import InputError, OptionError
from potstill.options import choose, options

TABLE = "latency.json"
FAMILIES = ("bert", "mobilebert")

WANTED = "wanted is a latency table, as the card of latency-table describes it"

Size = Annotated[int, Field(ge=1)]
Milliseconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Measured = Annotated[dict[Size, Milliseconds], Field(min_length=1)]


@dataclass(frozen=True)
class Check:
    """A shape that the table was not made from: what the table says of it, and what was measured.

    Attributes:
        layers: how many it has.
        heads: attention heads of each layer.
        neurons: of each feed-forward network, in order of execution; a MobileBERT has several per layer.
        predicted_ms: by the table.
        measured_ms: of the model itself.
    """

    layers: Size
    heads: list[Size]
    neurons: list[Size]
    predicted_ms: Milliseconds
    measured_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)]

    @property
    def error(self) -> float:
        """How far the prediction is from the measurement, as a share of the measurement; above 0: too slow."""
        return self.predicted_ms / self.measured_ms - 1


@options
class LatencyTable:
    """What one row costs: `base_ms`, plus each layer's attention by its heads, plus each FFN by its neurons.

    Every layer has both, so what it costs whatever its size cannot be told apart; it stands with the attention.
    """

    family: str
    """bert or mobilebert."""
    hidden: Size
    """Width of the residual stream."""
    head_size: Size
    """Channels of one attention head."""
    length: Size
    """Tokens of the row."""
    format: str
    """What ran: optimized or int8 where potstill measured, any name where somebody else did."""
    threads: Size
    """Threads that it ran on."""
    processor: str
    """What it ran on."""
    base_ms: Milliseconds
    """Embeddings, pooler, classifier and the call itself."""
    attention: Measured
    """Milliseconds by heads, smallest first."""
    ffn: Measured
    """Milliseconds of one feed-forward network by neurons, smallest first."""
    check: list[Check] = Field(default_factory=list)
    """Shapes that were predicted and then measured."""

    @field_validator("family")
    @classmethod
    def _known(cls, value: str) -> str:
        return choose("family", value, FAMILIES)

    @field_validator("attention", "ffn")
    @classmethod
    def _ascending(cls, value: dict[int, float], info: ValidationInfo) -> dict[int, float]:
        """Sort by size, and refuse times that fall: prune takes whatever is smaller for at least as fast."""
        rising = dict(sorted(value.items()))
        for (size, taken), (larger, other) in pairwise(rising.items()):
            if other < taken:
                raise ValueError(
                    f"{info.field_name} must not fall with size, got {taken:g} ms for {size} and {other:g} for {larger}"
                )
        return rising

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if not self.base_ms + max(self.attention.values()) + max(self.ffn.values()):
            raise ValueError("base_ms, attention or ffn must take some time, got 0 ms for all of it")
        return self


def read_table(folder: Path) -> LatencyTable:
    """Read the table out of a latency/v1.

    Raises:
        InputError: there is none, or it is not as it must be.
    """
    return parse_table(folder / TABLE)


def parse_table(file: Path) -> LatencyTable:
    """Read a table from a JSON file.

    Raises:
        InputError: no such file, no JSON, or every field that is missing, unknown or out of its range, in one line.
    """
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as broken:
        raise InputError(f"{file} is not a JSON file that can be read ({broken}); {WANTED}") from broken
    if not isinstance(given, dict):
        raise InputError(f"{file} holds a JSON {type(given).__name__}; {WANTED}")
    _refuse_fields(file, given)
    _refuse_numbers(file, given)
    try:
        return LatencyTable(**given)
    except OptionError as refused:
        raise InputError(f"{file}: {refused}") from refused


def write_table(table: LatencyTable, folder: Path) -> None:
    """Write the table into a folder, as `read_table` reads it."""
    text = json.dumps(dataclasses.asdict(table), ensure_ascii=False, indent=2)
    (folder / TABLE).write_text(f"{text}\n", encoding="utf-8")


def _refuse_numbers(file: Path, given: Mapping[str, Any]) -> None:
    """Refuse what would be read as a number without being one, and two ways of writing one size."""
    parts = {name: given[name] for name in ("attention", "ffn") if isinstance(given[name], dict)}
    sizes = [f"{name} {key!r}" for name, part in parts.items() for key in part if not _is_written_plainly(key)]
    numbers = {f"{name}.{key}": value for name, part in parts.items() for key, value in part.items()}
    numbers |= {name: given[name] for name in ("base_ms", "hidden", "head_size", "length", "threads")}
    strange = [f"{name} {value!r}" for name, value in numbers.items() if isinstance(value, bool | str)]
    if sizes or strange:
        raise InputError(f"{file}: no number as JSON writes it is {', '.join([*sizes, *strange])}; {WANTED}")


def _is_written_plainly(size: str) -> bool:
    return size.isascii() and size.isdecimal() and not (size.startswith("0") and size != "0")


def _refuse_fields(file: Path, given: Mapping[str, Any]) -> None:
    fields = dataclasses.fields(LatencyTable)
    missing = [each.name for each in fields if each.name not in given and each.name != "check"]
    unknown = sorted(given.keys() - {each.name for each in fields})
    offences = [f"{', '.join(names)} {fault}" for names, fault in ((missing, "missing"), (unknown, "unknown")) if names]
    if offences:
        raise InputError(f"{file}: {'; '.join(offences)}; {WANTED}")
