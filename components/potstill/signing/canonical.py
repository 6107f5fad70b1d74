"""One value, one text: JSON as RFC 8785 writes it, so that equal evidence has equal digests.

Source: RFC 8785, JSON Canonicalization Scheme; numbers as ECMAScript writes them.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from potstill.errors import InputError

LARGEST_INTEGER = 2**53 - 1  # beyond it two readers of JSON need not read the same number
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_ESCAPED = re.compile(r'["\\\x00-\x1f]')


def canonical(value: Any) -> bytes:
    """Write a value of JSON in the one way that RFC 8785 allows.

    Args:
        value: mappings with texts as keys, lists, tuples, texts, numbers, truth values and None.

    Raises:
        InputError: a value that JSON has no word for, an integer beyond 2^53, or a text with half a character.
    """
    text = "".join(_parts(value))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as half:
        raise InputError(f"a text has half a character ({half.reason}); JSON is written of whole ones") from half


def _parts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield _text(value)
    elif isinstance(value, Mapping):
        yield from _object(value)
    elif isinstance(value, list | tuple):
        yield from _listed("[", (_parts(each) for each in value), "]")
    else:
        yield _scalar(value)


def _object(value: Mapping[Any, Any]) -> Iterator[str]:
    strange = [key for key in value if not isinstance(key, str)]
    if strange:
        raise InputError(f"a key in JSON is a text, got {strange[0]!r}")
    names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    yield from _listed("{", (_member(name, value[name]) for name in names), "}")


def _member(name: str, value: Any) -> Iterator[str]:
    yield f"{_text(name)}:"
    yield from _parts(value)


def _listed(opening: str, items: Iterator[Iterator[str]], closing: str) -> Iterator[str]:
    yield opening
    for place, item in enumerate(items):
        if place:
            yield ","
        yield from item
    yield closing


def _text(value: str) -> str:
    escaped = _ESCAPED.sub(lambda found: _SHORT.get(found[0], f"\\u{ord(found[0]):04x}"), value)
    return f'"{escaped}"'


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise InputError(
                f"JSON carries whole numbers below 2^53, got one of {value.bit_length()} bits; write a text"
            )
        return str(int(value))
    if isinstance(value, float) and math.isfinite(value):
        return _real(value)
    raise InputError(f"JSON has no word for {value!r} ({type(value).__name__})")


def _real(value: float) -> str:
    """Write the shortest digits that read back as the same number, placed as ECMAScript's Number::toString does."""
    if value == 0:
        return "0"
    mantissa, _, exponent = f"{abs(float(value))!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    return ("-" if value < 0 else "") + _placed(digits.rstrip("0"), point)


def _placed(digits: str, point: int) -> str:
    """Place the point after the first `point` digits; far from the digits, by an exponent."""
    if len(digits) <= point <= 21:
        return digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    mantissa = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
    return f"{mantissa}e{point - 1:+d}"
