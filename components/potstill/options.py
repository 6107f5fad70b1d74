"""How a stage's options are declared: frozen, keyword-only, and refused when they make no sense."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import wraps
from typing import Annotated, Any, TypeVar, cast, dataclass_transform, get_type_hints

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from potstill.errors import OptionError

T = TypeVar("T")

SEEDS = 2**32
Seed = Annotated[int, Field(ge=0, lt=SEEDS)]  # what numpy, torch and a manifest's JSON all take
Threads = Annotated[int, Field(ge=1, le=1024)]  # beyond, torch and onnxruntime end for want of memory or of threads
UNRECORDED = "unrecorded"  # marks, in Annotated, an option that changes no byte of the output: no manifest tells it
GREATEST = 2**53 - 1  # of a manifest's numbers: RFC 8785 has no greater integers


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(Field,))
def options(cls: type[T]) -> type[T]:
    """Make a frozen dataclass whose ranges (`Annotated[float, Field(ge=0, lt=1)]`) are checked when it is built.

    Raises (on construction): OptionError, one line that names every offending option at once.
    """
    made = dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))(cls)
    made.__init__ = _explained(made.__init__)  # type: ignore[method-assign]
    return cast("type[T]", made)


def recorded(config: Any) -> dict[str, Any]:
    """Return the options that shape the output, by name; config: a frozen dataclass of options."""
    kinds = get_type_hints(type(config), include_extras=True)
    return {
        name: value
        for name, value in asdict(config).items()
        if UNRECORDED not in getattr(kinds[name], "__metadata__", ())
    }


def _explained(build: Callable[..., None]) -> Callable[..., None]:
    @wraps(build)
    def build_or_explain(*arguments: Any, **named: Any) -> None:
        try:
            build(*arguments, **named)
        except ValidationError as refused:
            raise OptionError("; ".join(_offence(dict(each)) for each in refused.errors())) from None
        offences = [f"{name} should be at most {GREATEST}, got {value}" for name, value in _too_great(arguments[0])]
        if offences:
            raise OptionError("; ".join(offences))

    return build_or_explain


def _too_great(built: Any) -> list[tuple[str, int]]:
    return [(name, value) for name, value in vars(built).items() if isinstance(value, int) and abs(value) > GREATEST]


def _offence(offence: Mapping[str, Any]) -> str:
    name = ".".join(str(part) for part in offence["loc"])
    message = str(offence["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    if offence["type"] == "value_error" and "got" in message:  # a validator of ours, which says all of it
        return message
    return f"{name} {message.partition(', got')[0]}, got {offence['input']!r}"


def choose(name: str, value: str, choices: Iterable[str]) -> str:
    """Return `value` when it is one of `choices`; else raise a ValueError that lists them.

    KFP has no enumerated parameters (`Literal` cannot be compiled), so choices are strings checked here.
    """
    known = list(choices)
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
    return value
