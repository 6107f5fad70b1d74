"""What was signed once stays proved: a bundle that was committed, and that no version of potstill makes again.

A test that makes its bundle with the code that proves it cannot see that the two have moved away from everybody else's
bundles. These lie as they were signed. When the form of the evidence changes (`"format"` in release.json), readers must
go on proving the bundles of the old form: the golden bundle of the new form is added beside the old one
(`python -m tests.golden_bundle`), and never replaces it. Where a test here fails, the code is wrong, not the bundle.
"""

import json
import shutil
from xml.etree import ElementTree as ET

import pytest

from potstill.cli import main
from potstill.evidence.layout import FORMAT
from potstill.signing.trust import read_trusted
from potstill.verify.proving import verify_bundle
from tests.golden_bundle import BUNDLES, keep_bundle, public_of
from tests.published import files_of


@pytest.fixture(params=BUNDLES, ids="format-{}".format)
def bundle(request):
    return BUNDLES[request.param]


@pytest.fixture
def trusted(bundle):
    return read_trusted([public_of(bundle)])


def verify(folder, bundle):
    """Run the command with the key of a golden bundle; → its exit code."""
    return main(["verify", str(folder), "--key", str(public_of(bundle))])


def test_today_s_form_has_a_golden_bundle():
    assert FORMAT in BUNDLES, f"add the bundle of format {FORMAT} beside the older ones"


@pytest.mark.parametrize("number", BUNDLES)
def test_each_is_of_the_form_that_it_stands_for(number):
    assert json.loads((BUNDLES[number] / "release.json").read_bytes())["format"] == number


def test_it_is_proved(bundle, trusted, capsys):
    proof = verify_bundle(bundle, trusted)
    assert proof.wrong == ()
    assert proof.proved
    assert verify(bundle, bundle) == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("golden 1.0.0, bundle ")
    assert last.startswith("PROVED: ")


def test_its_lineage_is_drawn(bundle, tmp_path, capsys):
    svg, page = tmp_path / "lineage.svg", tmp_path / "lineage.html"
    assert main(["lineage", str(bundle), "--svg", str(svg), "--html", str(page)]) == 0
    told = capsys.readouterr().out
    listed = json.loads((bundle / "release.json").read_bytes())["artifacts"]
    assert listed
    for each in listed:
        assert each["stage"] in told
        assert each["digest"][:12] in told
    assert ET.fromstring(svg.read_text(encoding="utf-8")).tag.endswith("svg")
    assert "</html>" in page.read_text(encoding="utf-8")


def test_a_flipped_byte_is_refused_whatever_file_it_is_in(bundle, trusted, tmp_path):
    copy = tmp_path / "bundle"
    shutil.copytree(bundle, copy)
    for name, data in files_of(bundle).items():
        (copy / name).write_bytes(_flipped(data))
        assert not verify_bundle(copy, trusted).proved, name
        (copy / name).write_bytes(data)
    assert verify_bundle(copy, trusted).proved


def test_the_command_refuses_a_flipped_byte(bundle, tmp_path, capsys):
    copy = tmp_path / "bundle"
    shutil.copytree(bundle, copy)
    model = copy / "models/onnx/model.onnx"
    model.write_bytes(_flipped(model.read_bytes()))
    assert verify(copy, bundle) == 1
    out = capsys.readouterr().out
    assert "models/onnx/model.onnx was changed" in out
    assert out.splitlines()[-1].startswith("NOT PROVED: ")


def test_it_is_never_made_again(bundle, tmp_path):
    before = files_of(bundle)
    with pytest.raises(FileExistsError, match="never made again"):
        keep_bundle(bundle)
    assert files_of(bundle) == before
    keep_bundle(tmp_path / "bundle")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bundle", "bundle.pub"]  # no private key
    with pytest.raises(FileExistsError, match="never made again"):
        keep_bundle(tmp_path / "bundle")


def _flipped(data):
    """The bytes with one bit turned, in the middle."""
    place = len(data) // 2
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
