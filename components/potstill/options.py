"""How a stage's options are declared: frozen, keyword-only, and refused when they make no sense."""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast, dataclass_transform

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from potstill.errors import OptionError

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(Field,))
def options(cls: type[T]) -> type[T]:
    """Make a frozen dataclass whose ranges (`Annotated[float, Field(ge=0, lt=1)]`) are checked when it is built.

    Raises (on construction): OptionError, one line that names every offending option at once.
    """
    made = dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))(cls)
    made.__init__ = _explained(made.__init__)  # type: ignore[method-assign]
    return cast("type[T]", made)


def _explained(build: Callable[..., None]) -> Callable[..., None]:
    @wraps(build)
    def build_or_explain(*arguments: Any, **named: Any) -> None:
        try:
            build(*arguments, **named)
        except ValidationError as refused:
            raise OptionError("; ".join(_offence(dict(each)) for each in refused.errors())) from None

    return build_or_explain


def _offence(offence: Mapping[str, Any]) -> str:
    name = ".".join(str(part) for part in offence["loc"])
    message = str(offence["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return message if "got" in message else f"{name} {message}, got {offence['input']!r}"


def choose(name: str, value: str, choices: Iterable[str]) -> str:
    """Return `value` when it is one of `choices`; else raise a ValueError that lists them.

    KFP has no enumerated parameters (`Literal` cannot be compiled), so choices are strings checked here.
    """
    known = list(choices)
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
    return value
