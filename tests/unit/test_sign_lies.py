"""A release that lies is not signed, though every digest in it is right."""

import json
import re
import shutil
from pathlib import Path

import pytest

from potstill.artifacts import MANIFEST, RELEASE, SIGNATURE, read_manifest, seal
from potstill.errors import ArtifactError, PotstillError
from potstill.evidence.papers import papers_of
from potstill.evidence.whole import evidence_of
from potstill.sign import SignConfig, sign_release
from potstill.signing.canonical import canonical
from tests import unsigned

made, key, release = unsigned.made, unsigned.key, unsigned.release  # pytest looks for fixtures in the module that asks


def resealed(release, **changes):
    """Seal a release again, as a stage would that lies: all digests of its own manifest are right."""
    sealed = read_manifest(release)
    (release / MANIFEST).unlink()
    names = ("made_by", "inputs", "licence", "meaning")
    fields = {name: changes.get(name, getattr(sealed, name)) for name in names}
    inputs = {name: Sealed(digest, sealed.licence) for name, digest in fields.pop("inputs").items()}
    seal(release, RELEASE, inputs=inputs, **fields)


class Sealed:
    def __init__(self, digest, licence):
        self.digest, self.licence = digest, licence


def edit(path, old, new):
    text = path.read_bytes()
    assert old in text
    path.write_bytes(text.replace(old, new))


def move_version(release):
    body = json.loads((release / "release.json").read_bytes())
    (release / "release.json").write_bytes(canonical({**body, "version": "1.0.1"}))


def forge_verdict(release):
    """A figure made better in every file outside the sealed report, and all papers made again from it."""
    for name in ("figures.json", "verdict.json"):
        body = json.loads((release / name).read_bytes())
        body["budgets"][0]["value"] = 0.0
        (release / name).write_text(json.dumps(body))
    for path, data in papers_of(evidence_of(release)).items():
        (release / path).write_bytes(data)


LIES = {
    "a model was exchanged": (
        lambda release: (release / "models/onnx/model.onnx").write_bytes(b"evil"),
        "changed models/onnx/model.onnx",
    ),
    "a model was added": (
        lambda release: (release / "models/onnx/second.onnx").write_bytes(b"evil"),
        "extra models/onnx/second.onnx",
    ),
    "a file was added": (lambda release: (release / "run.sh").write_bytes(b"evil"), "extra run.sh"),
    "a file of git was added": (lambda release: (release / ".gitattributes").write_bytes(b"x"), "extra .gitattributes"),
    "an attestation was added": (
        lambda release: ((release / "attestations").mkdir(), (release / "attestations/x.intoto.json").write_bytes(b"")),
        "extra attestations/x.intoto.json",
    ),
    "a signature was added": (lambda release: (release / SIGNATURE).write_bytes(b"{}"), "extra model.sig"),
    "a model was taken out": (lambda release: (release / "models/onnx/model.onnx").unlink(), "missing models/onnx"),
    "the page was taken out": (lambda release: (release / "report.html").unlink(), "missing report.html"),
    "a statement was changed": (
        lambda release: edit(release / "evidence/statements/08-qat.json", b'"threads":2', b'"threads":4'),
        "changed evidence/statements/08-qat.json",
    ),
    "a statement was taken out": (
        lambda release: (release / "evidence/statements/08-qat.json").unlink(),
        "missing evidence/statements/08-qat.json",
    ),
    "a statement was added": (
        lambda release: (release / "evidence/statements/99-extra.json").write_bytes(b"{}"),
        "extra evidence/statements/99-extra.json",
    ),
    "the version was moved": (move_version, "changed evidence/statements/13-vsa.json"),
    "the card lost its banner": (
        lambda release: (release / "README.md").write_text("# The best model\n"),
        "README.md",
    ),
    "the card is of another report": (
        lambda release: edit(release / "README.md", evidence_of(release).report.digest.encode(), b"0" * 64),
        "of another report than",
    ),
    "a figure was made better": (forge_verdict, "the verdict does not follow from the figures"),
    "a manifest was taken out": (
        lambda release: min((release / "evidence/manifests").iterdir()).unlink(),
        "the lineage has holes",
    ),
}


@pytest.mark.parametrize("what", LIES)
def test_a_release_that_lies_is_not_signed_though_it_is_sealed(what, release, key, tmp_path):
    change, why = LIES[what]
    change(release)
    resealed(release)
    with pytest.raises(PotstillError, match=re.escape(why)) as refused:
        sign_release(release, tmp_path / "bundle", SignConfig(), key=key)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("name", ["aux.json", "ends.", "a\u200bb", "a:b", "fill\u3164ed"])
def test_names_that_verify_refuses_are_not_signed(name, release, key, tmp_path):
    (release / "models" / name).write_bytes(b"{}")
    resealed(release)
    with pytest.raises(ArtifactError, match=r"release cannot be signed: models/.* is a name .*; rename"):
        sign_release(release, tmp_path / "bundle", SignConfig(), key=key)
    assert not (tmp_path / "bundle").exists()


def test_these_lies_are_told_well(release, key, tmp_path):
    resealed(release)
    assert sign_release(release, tmp_path / "bundle", SignConfig(), key=key)


def test_a_release_that_names_other_inputs_is_not_signed(release, key, tmp_path):
    inputs = dict(read_manifest(release).inputs)
    inputs.pop("report")
    resealed(release, inputs=inputs)
    with pytest.raises(ArtifactError, match="its inputs are not the artifacts that it tells of"):
        sign_release(release, tmp_path / "bundle", SignConfig(), key=key)


def test_what_changed_after_the_seal_is_not_signed(release, key, tmp_path):
    (release / "models/onnx/model.onnx").write_bytes(b"evil")
    with pytest.raises(ArtifactError, match=r"changed models/onnx/model\.onnx"):
        sign_release(release, tmp_path / "bundle", SignConfig(), key=key)


def test_what_changes_while_it_is_signed_is_not_signed(release, key, tmp_path, monkeypatch):
    """Storage that gives other bytes at the second reading."""
    copy = shutil.copyfile

    def copy_other(source, target):
        copy(source, target)
        if Path(target).name == "model.onnx":
            Path(target).write_bytes(b"evil")

    monkeypatch.setattr(shutil, "copyfile", copy_other)
    with pytest.raises(ArtifactError, match=r"changed while it was signed: models/onnx/model\.onnx"):
        sign_release(release, tmp_path / "bundle", SignConfig(), key=key)
    assert not (tmp_path / "bundle").exists()
