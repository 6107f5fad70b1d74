"""JSON that every reader reads alike: what two parsers may take for two things is refused.

A name that stands twice, a NaN, a number too large: one parser takes the first, one the last, one rounds. Who signs one
reading would vouch for the other.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

from potstill.errors import InputError
from potstill.one_line import one_line
from potstill.signing.canonical import LARGEST_INTEGER, canonical

LARGEST = 64 * 2**20  # bytes; the longest manifest of a release has a few thousand files, and is below one MiB
DEEPEST = 100  # levels; the deepest evidence has a dozen
_DIGITS = len(str(LARGEST_INTEGER)) + 1  # with a sign


def read_strict(data: bytes, where: str, largest: int = LARGEST) -> Any:
    """Read JSON that has one reading only; every canonical text is such.

    Args:
        data: the text's bytes, UTF-8 without a byte order mark.
        where: how messages call it.
        largest: the greatest length in bytes that is read.

    Raises:
        InputError: too long, too deep, not UTF-8, not JSON, a name twice, NaN or Infinity, a whole number that readers
            round, or half a character.
    """
    if len(data) > largest:
        raise InputError(f"{where} has {len(data)} bytes; at most {largest} are read")
    try:
        text = data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_finite, parse_float=_finite, parse_int=_exact)
        _check_levels(value)
    except (ValueError, RecursionError, InputError) as refused:
        raise InputError(f"{where} cannot be read as strict JSON: {_reason(refused)}") from refused
    return value


def _reason(refused: Exception) -> str:
    if isinstance(refused, UnicodeDecodeError):
        return f"byte {refused.start} is not UTF-8"
    if isinstance(refused, RecursionError):
        return f"it is nested deeper than {DEEPEST} levels"
    return one_line(str(refused))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise InputError(f"the name {_short(name)} stands twice in one object")
        found[name] = value
    return found


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise InputError(f"{_short(text)} is no number of JSON")
    return value


def _exact(text: str) -> int | float:
    """Read a whole number: beyond 2^53 only one that is a double, written as RFC 8785 writes that double."""
    if len(text) <= _DIGITS and abs(int(text)) <= LARGEST_INTEGER:
        return int(text)
    number = _finite(text)
    if canonical(number) != text.encode("ascii"):
        raise InputError(f"the whole number {_short(text)} is beyond 2^53 - 1, and readers round it")
    return number


def _check_levels(value: Any) -> None:
    """Refuse what is nested too deep, or holds half a character, which no encoding can write."""
    level = [value]
    for _ in range(DEEPEST):
        _check_texts(level)
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return
    _check_texts(level)
    if any(isinstance(each, dict | list) for each in level):
        raise RecursionError


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _check_texts(values: list[Any]) -> None:
    for each in values:
        if isinstance(each, str) and not each.isascii():
            try:
                each.encode("utf-8")
            except UnicodeEncodeError as half:
                raise InputError(f"the text {_short(each)} has half a character") from half


def _short(text: str) -> str:
    return ascii(text if len(text) <= 40 else f"{text[:40]}…")
