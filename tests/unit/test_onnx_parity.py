"""Parity: what is measured, and what is refused."""

import numpy as np
import pytest

from potstill.errors import ParityError
from potstill.measure.parity import Parity, compare, compare_scores, compare_vectors
from potstill.onnx_export import OnnxExportConfig
from potstill.onnx_export.proof.proof import Int8Linears, Proof

ROWS = ["a", "b", "c", "d"]
ONCE = Int8Linears(asked={"one": 1, "two": 2}, run={"one": ["QAttention"], "two": ["QAttention"]})
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


def test_scores_agree_where_they_rank_alike() -> None:
    wanted = np.array([[3.0], [2.0], [1.0], [0.0]], np.float32)
    assert compare_scores(wanted * 7, wanted, ROWS).agreement == 1.0
    swapped = wanted[[1, 0, 2, 3]]
    assert compare_scores(swapped, wanted, ROWS) == Parity(1.0, pytest.approx(5 / 6), 4, ("a", "b", "c"))
    assert compare_scores(np.zeros_like(wanted), wanted, ROWS).agreement == 0.0
    assert compare_scores(wanted[:1], wanted[:1], ROWS[:1]).agreement == 1.0


def test_vectors_agree_by_the_cosine_of_their_means() -> None:
    wanted = [np.array([[1.0, 0.0], [1.0, 0.0]], np.float32), np.array([[0.0, 2.0]], np.float32)]
    turned = [wanted[0], np.array([[2.0, 0.0]], np.float32)]
    assert compare_vectors(wanted, wanted, ROWS[:2]).agreement == pytest.approx(1.0)
    assert compare_vectors(turned, wanted, ROWS[:2]) == Parity(2.0, pytest.approx(0.5), 2, ("b", "a"))


def proof(**changed: object) -> Proof:
    near = Parity(1e-6, 1.0, 4, ("a",))
    linears = Int8Linears(asked={"one": 1, "two": 2}, run={"one": ["QAttention"], "two": ["QAttention"] * 2})
    parts = {"parity": {"fp32": near, "optimized": near, "int8": near}, "int8": {"int8": linears}, "running": {}}
    return Proof(**{**parts, **changed})


def test_what_is_near_passes() -> None:
    proof().require(OnnxExportConfig())


def test_what_rounds_on_purpose_is_judged_by_its_answers() -> None:
    far = Parity(0.01, 1.0, 4, ("b",))
    proof(parity={"optimized": far}).require(OnnxExportConfig(optimization="O3"))
    with pytest.raises(ParityError, match="optimized: an output is off"):
        proof(parity={"optimized": far}).require(OnnxExportConfig(optimization="O2"))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"parity": {"fp32": Parity(0.01, 1.0, 4, ("b",))}}, r"fp32: an output is off by 0\.01.*worst rows b"),
        ({"parity": {"int8": Parity(0.2, 0.5, 4, ("c",))}}, r"int8: the agreement is 0\.5000.*worst rows c"),
        ({"parity": {"int8": Parity(np.inf, 1.0, 4, ("d",))}}, "worst rows d"),
        ({"int8": {"int8": ONCE}}, "int8: onnxruntime runs 1 of 2 linears as int8, not two"),
    ],
)
def test_what_is_not_is_refused(changed: dict[str, object], words: str) -> None:
    with pytest.raises(ParityError, match=words):
        proof(**changed).require(OnnxExportConfig())


def test_where_only_inputs_as_they_come_disagree_the_ranges_are_named() -> None:
    near, far = Parity(0.01, 1.0, 4, ("a",)), Parity(9.0, 0.5, 4, ("a",))
    with pytest.raises(ParityError, match="int8_qdq, with the ranges that the checkpoint has, agrees"):
        proof(parity={"int8": far, "int8_qdq": near}).require(OnnxExportConfig())
    with pytest.raises(ParityError, match=r"wanted is 0.97 \(worst rows a\). Leave the format"):
        proof(parity={"int8": near, "int8_qdq": far}).require(OnnxExportConfig())
