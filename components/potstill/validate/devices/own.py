"""potstill's own simple form, for measurements made in any other way: typed by hand, or written by an app."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from potstill.errors import InputError
from potstill.validate.candidates import TITLES
from potstill.validate.devices.measurement import FEWEST, PLAUSIBLE, Measurement, of_runs

SCHEMA = "potstill/devices/v1"
Amount = Annotated[float, Field(gt=0, lt=PLAUSIBLE)]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
STRICT = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True)


class OwnMeasurement(BaseModel):
    """One model on one device."""

    model_config = STRICT

    model: Name
    """The model's key, as in validate's figures: coreml_int8, onnx_int8, …"""
    device: Name
    """The device, as people call it: iPhone 15."""
    system: Annotated[str, Field(max_length=100)] = ""
    """Its operating system: iOS 18.1."""
    tokens: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Tokens of the text, where all were alike."""
    latencies_ms: list[Amount] | None = None
    """Milliseconds of each timed run, at least 20; p50_ms and p95_ms are computed from them."""
    p50_ms: Amount | None = None
    """Median, where the runs are not at hand."""
    p95_ms: Amount | None = None
    """95th percentile, where the runs are not at hand."""
    runs: Annotated[int, Field(ge=1)] | None = None
    """Timed runs behind p50_ms and p95_ms, at least 20."""
    memory_mb: Amount | None = None
    """Megabytes of 1,000,000 bytes, at the peak."""
    cold_start_ms: Amount | None = None
    """Milliseconds from an unopened file to the first answer."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        summed = (self.p50_ms, self.p95_ms, self.runs)
        if self.latencies_ms is not None and summed != (None, None, None):
            raise ValueError("give latencies_ms, or p50_ms, p95_ms and runs, not both")
        if None in summed and summed != (None, None, None):
            raise ValueError("p50_ms, p95_ms and runs belong together")
        if self.p50_ms and self.p95_ms and self.p95_ms < self.p50_ms:
            raise ValueError(f"p95_ms {self.p95_ms:g} is below p50_ms {self.p50_ms:g}")
        if self.runs and self.runs < FEWEST:
            raise ValueError(f"{self.runs} runs are too few for a 95th percentile; measure {FEWEST} at least")
        if (self.latencies_ms, self.p50_ms, self.memory_mb, self.cold_start_ms) == (None, None, None, None):
            raise ValueError("nothing was measured: give latencies_ms, memory_mb or cold_start_ms")
        return self


class OwnForm(BaseModel):
    """Measurements of devices in potstill's own form."""

    model_config = STRICT | ConfigDict(populate_by_name=True)

    kind: Literal["potstill/devices/v1"] = Field(alias="schema")
    """The version of this form."""
    measurements: Annotated[list[OwnMeasurement], Field(min_length=1)]
    """One entry per model, device and length."""


def is_own(body: Any) -> bool:
    """Tell this form by its `schema`."""
    return isinstance(body, dict) and str(body.get("schema", "")).startswith("potstill/devices/")


def read_own(body: Any) -> Iterator[Measurement]:
    """Read potstill's own form."""
    try:
        form = OwnForm.model_validate(body)
    except ValidationError as refused:
        raise InputError("; ".join(_offence(dict(each)) for each in refused.errors()[:3])) from None
    for place, each in enumerate(form.measurements):
        if each.model not in TITLES:
            raise InputError(f"measurements[{place}]: there is no model {each.model!r}; known: {', '.join(TITLES)}")
        told = each.model_dump(include={"model", "device", "system", "tokens", "memory_mb", "cold_start_ms"})
        timed: dict[str, Any] = {"p50_ms": each.p50_ms, "p95_ms": each.p95_ms, "runs": each.runs or 0}
        if each.latencies_ms is not None:
            timed = of_runs(each.latencies_ms, f"measurements[{place}]: latencies_ms")
        yield Measurement(**told, **timed)


def _offence(offence: dict[str, Any]) -> str:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in offence["loc"]).lstrip(".")
    message = str(offence["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
    shown = "" if offence["type"] in ("value_error", "missing") else f", got {repr(offence['input'])[:40]}"
    return f"{where}: {message}{shown}"
