"""Which model a test measures: its name says so."""

import re

from potstill.errors import InputError
from potstill.validate.candidates import TITLES, is_export

EXPORTS = tuple(name for name in TITLES if is_export(name))
COLD_START = "coldstart"
TOKENS = re.compile(r"(\d+)_?tokens", re.IGNORECASE)


def model_of(test: str) -> str:
    """Find the model's key in a test's name, written in any way: `testCoremlInt8` measures coreml_int8.

    Raises:
        InputError: none is there.
    """
    plain = _plain(test)
    found = [name for name in EXPORTS if _plain(name) in plain]
    if not found:
        known = ", ".join(EXPORTS)
        raise InputError(f"{test!r} names no exported model; put one of these into the test's name: {known}")
    return max(found, key=len)  # onnx_int8_qdq holds onnx_int8, too


def tokens_of(test: str) -> int | None:
    """The length that a test's name tells: `testCoremlInt8_32tokens`."""
    found = TOKENS.search(test)
    return int(found[1]) if found and 0 < len(found[1]) < 6 and int(found[1]) else None


def is_cold_start(test: str) -> bool:
    """Tell whether a test times the opening and the first answer: `testColdStartCoremlInt8`."""
    return COLD_START in _plain(test)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
