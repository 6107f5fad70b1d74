"""Canonical JSON is RFC 8785, byte for byte, and strict JSON reads what has one reading only."""

import json
import struct

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from potstill.errors import InputError
from potstill.signing.canonical import canonical
from potstill.signing.strict_json import DEEPEST, read_strict

GREATEST = 2**53 - 1
NUMBERS = st.integers(-GREATEST, GREATEST) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=40,
)
# RFC 8785, appendix B: the bits of a double, and how it is written
SAMPLES = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@given(VALUES)
def test_canonical_is_what_the_reference_writes(value):
    assert canonical(value) == rfc8785.dumps(value)


@given(VALUES)
def test_what_is_written_is_read_as_it_was(value):
    assert read_strict(canonical(value), "it") == value


@given(st.binary(min_size=8, max_size=8).map(lambda bits: struct.unpack(">d", bits)[0]))
def test_every_double_is_written_as_the_reference_writes_it(number):
    if number - number == 0:
        assert canonical(number) == rfc8785.dumps(number)
    else:
        with pytest.raises(InputError, match="no word for"):
            canonical(number)


@pytest.mark.parametrize(("bits", "text"), SAMPLES.items())
def test_samples_of_the_standard(bits, text):
    assert canonical(struct.unpack(">d", bytes.fromhex(bits))[0]).decode() == text


def test_names_are_sorted_by_utf_16():
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\x80", "\xf6", ""]
    wanted = ["", "\r", "1", "\x80", "\xf6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(canonical(dict.fromkeys(names, 1)))) == wanted


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (float("nan"), "no word for nan"),
        (float("-inf"), "no word for -inf"),
        (2**53, "2\\^53"),
        (-(2**53), "2\\^53"),
        (10**5000, "2\\^53"),
        ("\ud83d", "half a character"),
        ({"\udc00": 1}, "half a character"),
        ({1: 2}, "a key in JSON is a text, got 1"),
        ({"a": {2}}, r"no word for \{2\} \(set\)"),
        (b"bytes", "no word for"),
    ],
    ids=lambda given: type(given).__name__,
)
def test_what_json_cannot_carry_is_refused(value, why):
    with pytest.raises(InputError, match=why) as refused:
        canonical(value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"a":1,"a":2}', "the name 'a' stands twice"),
        (b'[{"x":{"a":1,"b":1,"a":1}}]', "the name 'a' stands twice"),
        (b"NaN", "'NaN' is no number"),
        (b"[-Infinity]", "'-Infinity' is no number"),
        (b"1e999", "'1e999' is no number"),
        (b"-9007199254740993", "beyond 2\\^53"),
        (b"1" * 5000, "is no number"),
        (b'"\xff"', "byte 1 is not UTF-8"),
        (b'"\xed\xa0\x80"', "is not UTF-8"),
        (b'\xef\xbb\xbf""', "BOM"),
        ('""'.encode("utf-16"), "is not UTF-8"),
        (b'["\\ud800"]', "half a character"),
        (b'{"\\udfff":1}', "half a character"),
        (b"", "Expecting value"),
        (b'{"a":1} {}', "Extra data"),
        (b"{'a':1}", "double quotes"),
        (b'"a\nb"', "control character"),
        (b"[" * 100_000, "nested deeper than 100"),
        (b'{"a":' * 100_000, "nested deeper than 100"),
    ],
    ids=lambda given: str(given[:20]),
)
def test_json_of_two_readings_is_refused_in_one_line(text, why):
    with pytest.raises(InputError, match=why) as refused:
        read_strict(text, "the file")
    assert str(refused.value).startswith("the file cannot be read as strict JSON: ")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(("levels", "reads"), [(DEEPEST, True), (DEEPEST + 1, False)])
def test_depth_is_bounded(levels, reads):
    text = b"[" * levels + b"]" * levels
    if reads:
        assert canonical(read_strict(text, "it")) == text
    else:
        with pytest.raises(InputError, match="nested deeper"):
            read_strict(text, "it")


def test_a_length_that_nothing_has_is_refused_unread():
    with pytest.raises(InputError, match="it has 11 bytes; at most 10 are read"):
        read_strict(b" " * 11, "it", largest=10)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    try:
        value = read_strict(data, "it")
    except InputError:
        return
    assert read_strict(canonical(value), "it") == value


@given(st.floats(min_value=2.0**53, allow_infinity=False))
def test_a_great_number_is_read_as_it_was_written(number):
    assert read_strict(canonical(number), "it") == number
