"""What ships is held to its manifests before anything is looked for: else equal digests say nothing of the phones."""

import hashlib
import shutil
from pathlib import Path

import pytest

from potstill.artifacts import sha256_of
from potstill.cli import main
from potstill.reproduce import command

GOLDEN = Path(__file__).parents[1] / "golden" / "bundle"
PLACES = ("models/onnx/model.int8.onnx", "models/pytorch/model.safetensors", "report/summary.json",
          "evidence/definition/requirements.txt")  # fmt: skip


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """A copy of the golden bundle; to look for artifacts fails the test."""

    def too_early(*_given):
        raise AssertionError("artifacts were looked for before the files that ship were held to their manifests")

    monkeypatch.setattr(command, "Originals", too_early)
    return Path(shutil.copytree(GOLDEN, tmp_path / "bundle"))


def refusal(bundle, capsys):
    """Reproduce what is to be refused; → the one line that says why."""
    capsys.readouterr()
    assert main(["reproduce", str(bundle), "--artifacts", str(bundle.parent / "absent")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize("place", PLACES)
def test_a_changed_file_is_refused_with_both_digests(bundle, capsys, place):
    wanted = sha256_of(bundle / place)
    (bundle / place).write_bytes((bundle / place).read_bytes() + b"\n")
    found = hashlib.sha256((bundle / place).read_bytes()).hexdigest()
    assert f"changed {place} (SHA-256 {wanted} wanted, {found} found)" in refusal(bundle, capsys)


def test_a_file_that_is_missing_or_extra_is_refused(bundle, capsys):
    (bundle / "models/onnx/model.onnx").rename(bundle / "models/onnx/other.onnx")
    said = refusal(bundle, capsys)
    assert "missing models/onnx/model.onnx, extra models/onnx/other.onnx" in said


def test_an_untouched_one_goes_on_to_the_artifacts(bundle):
    with pytest.raises(AssertionError, match="artifacts were looked for"):
        main(["reproduce", str(bundle)])
