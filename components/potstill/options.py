"""How a stage's options are declared: frozen, keyword-only, and refused when they make no sense."""

from collections.abc import Iterable
from typing import TypeVar, cast, dataclass_transform

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from potstill.errors import OptionError

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(Field,))
def options(cls: type[T]) -> type[T]:
    """Make a frozen dataclass whose ranges (`Annotated[float, Field(ge=0, lt=1)]`) are checked when it is built.

    Raises (on construction): pydantic.ValidationError, a ValueError that lists every offending option at once.
    """
    made = dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid", allow_inf_nan=False, strict=False))
    return cast("type[T]", made(cls))


def explain(error: ValidationError) -> OptionError:
    """Turn pydantic's report into one line: `head_sparsity: input should be less than 1, got 2.0`."""
    return OptionError("; ".join(_offence(dict(each)) for each in error.errors()))


def _offence(offence: dict[str, object]) -> str:
    place = offence["loc"]
    name = ".".join(str(part) for part in place) if isinstance(place, tuple) else ""
    message = str(offence["msg"]).removeprefix("Value error, ")
    message = message[0].lower() + message[1:] if message.startswith("Input should") else message
    return f"{name}: {message}, got {offence['input']!r}" if name else message


def choose(name: str, value: str, choices: Iterable[str]) -> str:
    """Return `value` when it is one of `choices`; else raise a ValueError that lists them.

    KFP has no enumerated parameters (`Literal` cannot be compiled), so choices are strings checked here.
    """
    known = list(choices)
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
    return value
