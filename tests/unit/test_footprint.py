"""Memory and cold start of a model in a process of its own."""

import pytest

from potstill.errors import InputError
from potstill.measure.footprint import STATUS, measure_footprint, resident


def test_a_checkpoint_in_a_process_of_its_own(tiny_checkpoint):
    found = measure_footprint("torch", tiny_checkpoint, [2, 5, 6, 3])
    assert found.cold_start_ms == pytest.approx(found.open_ms + found.first_ms)
    assert found.open_ms > 0
    assert found.first_ms > 0
    if STATUS.is_file():
        assert found.peak_mb >= found.runtime_mb > 10
        assert found.added_mb == pytest.approx(found.peak_mb - found.runtime_mb)


@pytest.mark.skipif(not STATUS.is_file(), reason="memory is told by /proc")
def test_what_the_parent_holds_is_not_counted(tiny_checkpoint):
    before = measure_footprint("torch", tiny_checkpoint, [2, 5, 3])
    held = bytearray(400_000_000)
    held[::4096] = b"x" * len(held[::4096])
    assert resident("VmRSS") > 400
    after = measure_footprint("torch", tiny_checkpoint, [2, 5, 3])
    assert after.peak_mb < before.peak_mb + 100


def test_a_model_that_cannot_be_opened_is_one_line(tmp_path):
    with pytest.raises(InputError, match="gave no answer in a process of its own: ") as refused:
        measure_footprint("onnx", tmp_path / "none.onnx", [2, 3])
    assert "\n" not in str(refused.value)
