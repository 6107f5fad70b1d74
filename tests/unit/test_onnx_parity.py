"""Parity: what is measured, and what is refused."""

import numpy as np
import pytest

from potstill.errors import ParityError
from potstill.measure.parity import Parity, compare
from potstill.onnx_export.proof import Proof

ROWS = ["a", "b", "c", "d"]
WANTED = np.array([[0, 1], [1, 0], [0, 1], [1, 0]], np.float32)


def test_compare_finds_the_worst_rows() -> None:
    found = WANTED.copy()
    found[2], found[1, 0] = [0.75, 0.25], 0.5
    assert compare(found, WANTED, ROWS) == Parity(0.75, 0.75, 4, ("c", "b", "a"))


def test_a_nan_is_infinitely_far() -> None:
    found = WANTED.copy()
    found[3, 1] = np.nan
    parity = compare(found, WANTED, ROWS)
    assert (parity.max_abs_logit, parity.worst[0]) == (np.inf, "d")


def proof(**changed: object) -> Proof:
    near = Parity(1e-6, 1.0, 4, ("a",))
    parts = {"parity": {"fp32": near, "int8": near}, "int8_linears": {"int8": 6}, "int8_asked": {"int8": 6}}
    return Proof(**{**parts, **changed})


def test_what_is_near_passes() -> None:
    proof().require(1e-4, 0.97)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"parity": {"fp32": Parity(0.01, 1.0, 4, ("b",))}}, r"fp32: a logit is off by 0\.01.*worst rows b"),
        ({"parity": {"int8": Parity(0.2, 0.5, 4, ("c",))}}, r"int8: 0\.5000 of the labels agree.*worst rows c"),
        ({"parity": {"int8": Parity(np.inf, 1.0, 4, ("d",))}}, "worst rows d"),
        ({"int8_linears": {"int8": 5}}, "int8: onnxruntime runs 5 of 6 linears as int8"),
    ],
)
def test_what_is_not_is_refused(changed: dict[str, object], words: str) -> None:
    with pytest.raises(ParityError, match=words):
        proof(**changed).require(1e-4, 0.97)
