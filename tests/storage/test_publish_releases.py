"""A published release is the bundle, byte for byte, under a name that never leads to anything else."""

import hashlib
import json

import pytest

from potstill.artifacts import BUNDLE, RELEASE, SIGNATURE, expect, seal
from potstill.errors import ArtifactError, InputError
from potstill.output_folder import creating
from potstill.publish import PublishConfig
from potstill.publish.fetching import fetch_bundle
from potstill.publish.pointer import load_pointer
from potstill.publish.stage import publish_bundle, uri_in
from potstill.publish.storing import store_bundle
from potstill.store.conditions import PROBE
from potstill.store.places import open_place
from tests.published import MAKER, SAME, files_of, make_plain_bundle

pytestmark = pytest.mark.s3
on_disk_and_ceph = pytest.mark.parametrize("place", ["disk", "radosgw"], indirect=True)
on_disk = pytest.mark.parametrize("place", ["disk"], indirect=True)


@pytest.fixture
def bundle(tmp_path):
    return make_plain_bundle(tmp_path / "bundle")


def fetched(place, out, version="1.0.0"):
    """The files of a release, as a reader gets them."""
    fetch_bundle(place, load_pointer(place, "headlines", version), out, lambda _: None)
    return files_of(out)


def objects(place):
    names = place.keys()
    return {key: place.read(key) for key in names}


def test_what_is_published_is_fetched_byte_for_byte(place, bundle, tmp_path):
    stored = store_bundle(place, bundle)
    assert fetched(place, tmp_path / "got") == files_of(bundle)
    assert expect(tmp_path / "got", BUNDLE).digest == stored.pointer.bundle
    assert stored.files == len(files_of(bundle)) - 1
    assert stored.bytes == sum(map(len, files_of(bundle).values())) - (bundle / "artifact.json").stat().st_size


@on_disk_and_ceph
def test_every_object_lies_where_its_bytes_say(place, bundle):
    """But for the pointer, and the object that a store is probed with."""
    stored = store_bundle(place, bundle)
    found = objects(place)
    manifest = (bundle / "artifact.json").read_bytes()
    assert found.pop(f"bundles/{hashlib.sha256(manifest).hexdigest()}.json") == manifest
    assert json.loads(found.pop("releases/headlines/1.0.0.json")) == {
        "schema": "urn:potstill:published:v1",
        "name": "headlines",
        "version": "1.0.0",
        "verdict": "pass",
        "overridden": False,
        "licence": {"expression": "Apache-2.0", "use": "open"},
        "bundle": stored.pointer.bundle,
        "signature": {
            "bytes": 300,
            "sha256": hashlib.sha256((bundle / SIGNATURE).read_bytes()).hexdigest(),
        },
    }
    del found[PROBE]
    assert {f"blobs/sha256/{hashlib.sha256(data).hexdigest()}": data for data in found.values()} == found
    assert set(found.values()) == {data for path, data in files_of(bundle).items() if path != "artifact.json"}


@on_disk_and_ceph
def test_published_again_it_uploads_nothing_and_changes_nothing(place, bundle):
    first = store_bundle(place, bundle)
    was = objects(place)
    again = store_bundle(place, bundle)
    assert objects(place) == was
    assert again.uploaded == 0
    assert (again.pointer, again.bytes) == (first.pointer, first.bytes)


@on_disk_and_ceph
def test_files_of_several_releases_are_one_where_they_are_equal(place, bundle, tmp_path):
    store_bundle(place, bundle)
    other = store_bundle(place, make_plain_bundle(tmp_path / "next", "1.1.0"))
    assert other.uploaded < other.bytes - 2 * len(SAME)
    assert fetched(place, tmp_path / "a") == files_of(bundle)
    assert fetched(place, tmp_path / "b", "1.1.0") == files_of(tmp_path / "next")


@on_disk_and_ceph
def test_a_name_never_leads_to_other_bytes(place, bundle, tmp_path):
    digest = store_bundle(place, bundle).pointer.bundle
    was = objects(place)
    other = make_plain_bundle(tmp_path / "other", variant=1)
    with pytest.raises(ArtifactError, match=rf"headlines 1\.0\.0 already, with another bundle \({digest}\)"):
        store_bundle(place, other)
    assert objects(place) == was
    store_bundle(place, make_plain_bundle(tmp_path / "next", "1.0.1", variant=1))


@on_disk
def test_nor_to_another_signature(place, bundle):
    store_bundle(place, bundle)
    was = objects(place)
    (bundle / SIGNATURE).write_bytes(b"of somebody else")
    with pytest.raises(ArtifactError, match="already, with another signature"):
        store_bundle(place, bundle)
    assert objects(place) == was


@on_disk_and_ceph
@pytest.mark.parametrize("harm", ["changed", "cut", "lost"])
def test_published_again_it_puts_right_what_the_store_has_damaged(place, bundle, harm):
    store_bundle(place, bundle)
    was = objects(place)
    for key in (each for each in was if not each.startswith(("releases", "."))):
        if harm == "lost":
            place.delete([key])
        else:
            place.write(key, {"changed": b"x" * len(was[key]), "cut": was[key][:-1]}[harm])
    assert objects(place) != was
    store_bundle(place, bundle)
    assert objects(place) == was


@on_disk
@pytest.mark.parametrize(
    ("spoil", "refusal"),
    [
        (lambda bundle: (bundle / SIGNATURE).unlink(), r"has no model\.sig; sign the release first"),
        (lambda bundle: (bundle / "README.md").write_text("changed"), r"changed README\.md"),
        (lambda bundle: (bundle / "more").write_text(""), "extra more"),
        (lambda bundle: (bundle / ".unsealed").write_text(""), "is unfinished"),
        (lambda bundle: (bundle / "artifact.json").unlink(), r"has no artifact\.json"),
    ],
)
def test_nothing_is_written_of_what_is_no_whole_bundle(place, bundle, spoil, refusal):
    spoil(bundle)
    with pytest.raises(ArtifactError, match=refusal):
        store_bundle(place, bundle)
    assert place.keys() == []


@on_disk
@pytest.mark.parametrize("data", [b"{}", b"{", b'{"schema":"urn:potstill:release:v2"}'])
def test_nor_of_one_without_an_index(place, tmp_path, data):
    bundle = make_plain_bundle(tmp_path / "bundle", files={"release.json": data})
    with pytest.raises(InputError, match=r"release\.json"):
        store_bundle(place, bundle)
    assert place.keys() == []


@on_disk
def test_other_kinds_are_refused(place, tmp_path):
    with creating(tmp_path / "release", RELEASE):
        seal(tmp_path / "release", RELEASE, MAKER, {}, {})
    with pytest.raises(ArtifactError, match=r"holds release/v1; wanted is bundle/v1"):
        store_bundle(place, tmp_path / "release")


def test_a_store_inside_a_sealed_folder_is_refused(bundle, tmp_path):
    other = make_plain_bundle(tmp_path / "other", variant=2)
    was = files_of(bundle)
    for place in (bundle.as_uri(), (bundle / "models").as_uri(), f"{bundle.as_uri()}/new"):
        with pytest.raises(ArtifactError, match="which is sealed and would be broken; pass another place"):
            publish_bundle(other, place, PublishConfig(public_key="none"))
    assert files_of(bundle) == was


def test_where_a_release_stands(bundle):
    assert uri_in("s3://models/a b/", bundle) == "s3://models/a b/releases/headlines/1.0.0.json"


def test_names_and_versions_are_parts_of_keys(tmp_path, s3_bucket):
    place = open_place(f"{s3_bucket}/r")
    for name, version in (("a.b_c-0", "1.0.0-rc.1+build.5"), ("0", "0.0.0")):
        bundle = make_plain_bundle(tmp_path / name, version, name)
        store_bundle(place, bundle)
        assert place.keys(f"releases/{name}") == [f"releases/{name}/{version}.json"]
        fetch_bundle(place, load_pointer(place, name, version), tmp_path / f"got-{name}", lambda _: None)
        assert files_of(tmp_path / f"got-{name}") == files_of(bundle)
