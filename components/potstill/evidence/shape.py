"""The shape of what is read: every key that is wanted, no other, each of its type; else one line says what is wrong."""

from collections.abc import Mapping
from re import Pattern
from typing import Any

from potstill.errors import InputError
from potstill.one_line import one_line

SHOWN = 60  # characters of a wrong value that a message repeats


def mapping(value: Any, where: str, *keys: str) -> dict[str, Any]:
    """Return a mapping of exactly these keys; without keys, of any.

    Raises:
        InputError: no mapping, or keys missing or added.
    """
    if not isinstance(value, dict):
        raise _refused(f"{where} must be an object, got {shown(value)}")
    wrong = sorted(set(keys) ^ set(value)) if keys else []
    if wrong:
        raise _refused(f"{where} must hold exactly {', '.join(keys)}; missing or extra: {shown(', '.join(wrong))}")
    return value


def text(value: Any, where: str, pattern: Pattern[str] | None = None) -> str:
    """Return a text; where a pattern is given, one that it matches whole.

    Raises:
        InputError: anything else.
    """
    if not isinstance(value, str) or (pattern and not pattern.fullmatch(value)):
        raise _refused(f"{where} must be {f'like {pattern.pattern}' if pattern else 'a text'}, got {shown(value)}")
    return value


def whole(value: Any, where: str) -> int:
    """Return a whole number of at least 0; true and false are none.

    Raises:
        InputError: anything else.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _refused(f"{where} must be a whole number of at least 0, got {shown(value)}")
    return value


def listed(value: Any, where: str) -> list[Any]:
    """Return a list.

    Raises:
        InputError: anything else.
    """
    if not isinstance(value, list):
        raise _refused(f"{where} must be a list, got {shown(value)}")
    return value


def texts(value: Any, where: str, pattern: Pattern[str] | None = None) -> Mapping[str, str]:
    """Return a mapping of texts to texts, which a pattern matches where one is given.

    Raises:
        InputError: anything else.
    """
    return {name: text(each, f"{where}.{name}", pattern) for name, each in mapping(value, where).items()}


def one_of(value: Any, where: str, *choices: str) -> str:
    """Return one of these texts.

    Raises:
        InputError: anything else.
    """
    if value not in choices:
        raise _refused(f"{where} must be one of {', '.join(choices)}, got {shown(value)}")
    return str(value)


def _refused(why: str) -> InputError:
    """In one line, whatever the names of others hold."""
    return InputError(one_line(why))


def shown(value: Any) -> str:
    """Repeat a wrong value, as far as a line bears it."""
    written = ascii(value)
    return written if len(written) <= SHOWN else f"{written[:SHOWN]}…"
