"""What is published is what was proved, whatever happens to the folder between the proof and the upload."""

import shutil

import pytest

from potstill.artifacts import MANIFEST, SIGNATURE
from potstill.errors import ArtifactError
from potstill.publish import PublishConfig, publish_bundle, stage
from potstill.store.places import open_place
from tests.signed import make_bundle, sign


@pytest.fixture
def proved(tmp_path):
    """A signed bundle, and the file of the public key."""
    return make_bundle(tmp_path / "one")


def publish(proved, tmp_path, monkeypatch, exchange):
    """Publish a bundle that becomes another the moment it is proved; → the keys of the store, and the refusal."""
    (bundle, key), store, real = proved, (tmp_path / "store").as_uri(), stage.require_proof

    def and_then(folder, asked):
        proof = real(folder, asked)
        exchange(folder)
        return proof

    monkeypatch.setattr(stage, "require_proof", and_then)
    with pytest.raises(ArtifactError) as refused:
        publish_bundle(bundle, store, PublishConfig(public_key=str(key)))
    return open_place(store).keys(), str(refused.value)


def test_another_whole_bundle_is_refused_by_name(proved, tmp_path, monkeypatch):
    other, _ = make_bundle(tmp_path / "two", variant=3)

    def exchange(folder):
        shutil.rmtree(folder)
        shutil.copytree(other, folder)

    keys, said = publish(proved, tmp_path, monkeypatch, exchange)
    assert keys == []
    assert f"{proved[0]} is not the bundle that was proved" in said
    assert "more changed since; nothing was published" in said


def test_another_signature_of_the_same_files_is_refused(proved, tmp_path, monkeypatch):
    sign(tmp_path / "one" / "release", tmp_path / "two", key=None)
    theirs = (tmp_path / "two" / SIGNATURE).read_bytes() + b"\n"
    keys, said = publish(proved, tmp_path, monkeypatch, lambda folder: (folder / SIGNATURE).write_bytes(theirs))
    assert keys == []
    assert f"is not the bundle that was proved: {SIGNATURE} changed since" in said


def test_a_list_that_is_exchanged_is_refused(proved, tmp_path, monkeypatch):
    """The seal in another spelling lists the very same files."""

    def exchange(folder):
        (folder / MANIFEST).write_bytes((folder / MANIFEST).read_bytes() + b"\n")

    keys, said = publish(proved, tmp_path, monkeypatch, exchange)
    assert keys == []
    assert f"is not the bundle that was proved: {MANIFEST} changed since" in said


def test_what_stays_is_published(proved, tmp_path):
    bundle, key = proved
    publish_bundle(bundle, (tmp_path / "store").as_uri(), PublishConfig(public_key=str(key)))
    assert any(each.startswith("releases/") for each in open_place((tmp_path / "store").as_uri()).keys())  # noqa: SIM118
