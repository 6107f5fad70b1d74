"""Stores that nobody vouches for: whatever stands in them, a fetch ends with one line, and writes nothing elsewhere."""

import hashlib
import json
import shutil

import pytest

from potstill.errors import ArtifactError, InputError, PotstillError
from potstill.publish.layout import blob_key, bundle_key, pointer_key
from potstill.publish.releases import fetch_release, list_releases, show_release
from potstill.publish.storing import store_bundle
from potstill.signing.canonical import canonical
from potstill.store.places import open_place
from potstill.told import DIFFERENT
from tests.published import files_of, make_plain_bundle

POINTER = pointer_key("headlines", "1.0.0")
SAFE = {"bytes": 2, "sha256": hashlib.sha256(b"{}").hexdigest()}  # of a blob that is there
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.fixture
def store(tmp_path):
    """A store on the disk, with the release in it, among what must never be touched."""
    place = open_place((tmp_path / "a" / "store").as_uri())
    store_bundle(place, make_plain_bundle(tmp_path / "bundle"))
    return place


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def republish(store, forge, release="1.0.0"):
    """Let the release lead to a list that `forge` has changed, consistent in all its digests."""
    pointer = json.loads(store.read(pointer_key("headlines", release)))
    body = json.loads(store.read(bundle_key(pointer["bundle"])))
    forge(body)
    if isinstance(body["files"], list):
        body["files"].sort(key=lambda each: str(each["path"]))
    relist(store, pointer, canonical(body))


def relist(store, pointer, data):
    store.write(bundle_key(sha256(data)), data)
    store.write(POINTER, canonical({**pointer, "bundle": sha256(data)}))


def added(*paths):
    return lambda body: body["files"].extend({"path": path, **SAFE} for path in paths)


def refused(store, tmp_path, kind=PotstillError):
    """Fetch and show; → the one line of the refusal, which the two share. Nothing was written anywhere."""
    was = {path: data for path, data in files_of(tmp_path).items() if ".fetching" not in path}
    with pytest.raises(kind) as first:
        fetch_release(store.uri, "headlines", "1.0.0", tmp_path / "deep" / "down" / "got")
    assert not (tmp_path / "deep" / "down" / "got").exists()
    assert {path: data for path, data in files_of(tmp_path).items() if ".fetching" not in path} == was
    assert str(first.value).isprintable()
    assert len(str(first.value)) < 1000
    return str(first.value)


@pytest.mark.parametrize(
    "path",
    [
        "../escaped",
        "../../../escaped",
        "models/../../../escaped",
        "/tmp/potstill-escaped",
        "//host/share",
        "a//b",
        "./a",
        "a/.",
        "",
        "a/",
        "..\\escaped",
        "C:\\escaped",
        "a\0b",
        "artifact.json",
        ".unsealed",
        "model.sig",
        "line\nbreak",
        "\x1b[2Jcleared",
        "right\u202eto left",
        "zero\u200bwidth",
        "x" * 256,
        "學" * 86,
        "README.md/below",
        "readme.md",
        "MODELS/onnx/model.onnx",
        "evidence/e\u0301",
    ],
)
def test_files_that_no_folder_of_ours_holds(store, tmp_path, path):
    also = ("evidence/é",) if path == "evidence/e\u0301" else ()
    republish(store, added(path, *also))
    refused(store, tmp_path)


def test_such_files_are_the_reason(store, tmp_path):
    republish(store, added("evidence/new"))
    fetch_release(store.uri, "headlines", "1.0.0", tmp_path / "got")
    assert (tmp_path / "got" / "evidence" / "new").read_bytes() == b"{}"


@pytest.mark.parametrize(
    ("forge", "why"),
    [
        (lambda body: body["files"].append(body["files"][0]), "sorted by path, each of them once"),
        (lambda body: body["files"][0].update(bytes=-1), "whole number of at least 0"),
        (lambda body: body["files"][0].update(bytes=True), "whole number of at least 0"),
        (lambda body: body["files"][0].update(sha256="../../../a"), r"sha256 must be like"),
        (lambda body: body["files"][0].update(sha256="AB" * 32), r"sha256 must be like"),
        (lambda body: body["files"][0].update(more=1), "must hold exactly path, bytes, sha256"),
        (lambda body: body["files"][0].update(path=7), "path must be a text"),
        (lambda body: body.update(kind="release/v1"), "holds release/v1; wanted is bundle/v1"),
        (lambda body: body.update(kind="bundle/v2"), "kind must be one of"),
        (lambda body: body.update(files={}), "files must be a list"),
        (lambda body: body["files"].extend({"path": f"n/{i:05d}", **SAFE} for i in range(20_000)), "at most 20000 are"),
        (lambda body: body["files"][0].update(bytes=7), r"has \d+ bytes, not 7; publish the bundle again"),
        (lambda body: body["files"][0].update(sha256="00" * 32), "is not there: the release is not whole"),
    ],
)
def test_lists_that_are_none(store, tmp_path, forge, why):
    republish(store, forge)
    with pytest.raises(PotstillError, match=why):
        fetch_release(store.uri, "headlines", "1.0.0", tmp_path / "got")
    refused(store, tmp_path)


def without_an_index(body):
    body["files"] = [each for each in body["files"] if each["path"] != "release.json"]


def test_a_bundle_without_an_index(store, tmp_path):
    republish(store, without_an_index)
    assert "lists no release.json" in refused(store, tmp_path, ArtifactError)
    with pytest.raises(ArtifactError, match=r"lists no release\.json"):
        show_release(store.uri, "headlines", "1.0.0")


BROKEN = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"{}",
    b"\xff\xfe",
    b'{"a":1,"a":2}',
    b'{"a":NaN}',
    b'{"a":1e999}',
    b'{"a":123456789012345678901234567890}',
    b'"\\ud800"',
    DEEP,
]


@pytest.mark.parametrize("data", BROKEN, ids=range(len(BROKEN)))
def test_json_that_is_none(store, tmp_path, data):
    pointer = json.loads(store.read(POINTER))
    relist(store, pointer, data)
    refused(store, tmp_path, InputError)
    store.write(POINTER, data)
    refused(store, tmp_path, InputError)


def changed(**fields):
    return lambda pointer: canonical({**pointer, **fields})


@pytest.mark.parametrize(
    ("forge", "why"),
    [
        (changed(name="other"), "leads to other 1.0.0; the store is not to be trusted"),
        (changed(version="0.9.0"), "leads to headlines 0.9.0; the store is not to be trusted"),
        (changed(verdict="maybe"), "verdict must be one of"),
        (changed(verdict="fail"), "verdict differ in its release.json"),
        (changed(overridden=True), "overridden differ in its release.json"),
        (changed(overridden="yes"), "overridden must be true or false"),
        (changed(licence={"expression": "MIT", "use": "open"}), "licence differ in its release.json"),
        (changed(licence={"expression": "MIT", "use": "free"}), "licence.use must be one of"),
        (changed(bundle="../../etc/passwd"), "bundle must be like"),
        (changed(bundle="s3://elsewhere/x"), "bundle must be like"),
        (changed(bundle="00" * 32), "is not there: the release is not whole"),
        (changed(schema="urn:potstill:published:v2"), "schema must be one of"),
        (changed(more=1), "must hold exactly"),
        (changed(signature={"bytes": 300, "sha256": "00" * 32}), "is not there: the release is not whole"),
        (changed(signature={"bytes": -1, "sha256": "00" * 32}), "whole number of at least 0"),
        (lambda pointer: json.dumps(pointer).encode(), "is not canonical JSON"),
        (lambda pointer: canonical(pointer) + b"\n", "is not canonical JSON"),
        (lambda pointer: canonical(pointer).ljust(70_000), "has 70000 bytes; at most 65536 are read"),
    ],
)
def test_pointers_that_lead_elsewhere(store, tmp_path, forge, why):
    store.write(POINTER, forge(json.loads(store.read(POINTER))))
    assert why in refused(store, tmp_path)


def test_an_older_release_under_a_newer_name(store, tmp_path):
    """Even where the pointer is forged to say what its name says, the release itself says who it is."""
    store_bundle(store, make_plain_bundle(tmp_path / "next", "1.1.0"))
    old = json.loads(store.read(POINTER))
    store.write(pointer_key("headlines", "1.1.0"), canonical({**old, "version": "1.1.0"}))
    for work in (
        lambda: fetch_release(store.uri, "headlines", "1.1.0", tmp_path / "got"),
        lambda: show_release(store.uri, "headlines", "1.1.0"),
    ):
        with pytest.raises(ArtifactError, match=r"version differ in its release\.json, which is headlines 1\.0\.0"):
            work()
    assert not (tmp_path / "got").exists()


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda data: data[:-1] + b"?", "holds other bytes than its name says"),
        (lambda data: data[:-1], "bytes, not"),
        (lambda data: data + b"?", "bytes, not"),
        (lambda _: None, "is not there: the release is not whole; publish it again"),
    ],
)
def test_blobs_of_other_bytes(store, tmp_path, harm, why):
    """Whichever it is."""
    for key in store.keys("blobs"):
        data = store.read(key)
        changed = harm(data) if data else b"?"
        store.delete([key])
        if changed is not None:
            store.write(key, changed)
        said = refused(store, tmp_path)
        assert (why if data else "has 1 bytes, not 0") in said
        assert key in said
        store.write(key, data)
        shutil.rmtree(tmp_path / "deep")  # else what came of the others is not fetched again
    fetch_release(store.uri, "headlines", "1.0.0", tmp_path / "got")


def test_the_list_of_another_bundle(store, tmp_path):
    digest = json.loads(store.read(POINTER))["bundle"]
    other = store_bundle(store, make_plain_bundle(tmp_path / "next", "1.1.0")).pointer.bundle
    store.write(bundle_key(digest), store.read(bundle_key(other)))
    assert f"has digest {other}, not that of its name" in refused(store, tmp_path, ArtifactError)


def test_a_huge_list_is_not_read(store, tmp_path):
    digest = json.loads(store.read(POINTER))["bundle"]
    path = tmp_path / "a" / "store" / bundle_key(digest)
    with path.open("wb") as stream:
        stream.truncate(10**12)
    with pytest.raises(InputError, match="has 1000000000000 bytes; at most"):
        fetch_release(store.uri, "headlines", "1.0.0", tmp_path / "got")


def test_a_huge_index_is_not_read(store):
    def forge(body):
        for each in body["files"]:
            if each["path"] == "release.json":
                each.update(bytes=10**12)

    republish(store, forge)
    with pytest.raises(InputError, match=r"release\.json has 1000000000000 bytes; at most"):
        show_release(store.uri, "headlines", "1.0.0")


def test_links_on_a_disk_lead_nowhere(store, tmp_path):
    (tmp_path / "secret").write_bytes(b"{}")
    path = tmp_path / "a" / "store" / blob_key(SAFE["sha256"])
    path.unlink()
    path.symlink_to(tmp_path / "secret")
    assert "is a link" in refused(store, tmp_path, InputError)


def test_a_list_of_releases_names_what_is_none(store):
    """What is a release is listed all the same."""
    for key, data in {
        "releases/headlines/1.1.0.json": b"{}",
        "releases/headlines/1.2.0.json": store.read(POINTER),
        "releases/headlines/latest.json": store.read(POINTER),
        "releases/headlines/1.0.0.json.bak": b"",
        "releases/UPPER/1.0.0.json": b"",
        "releases/a/b/1.0.0.json": b"",
        "releases/1.0.0.json": b"",
        "releases/\x1b[2J/1.0.0.json": b"",
    }.items():
        store.write(key, data)
    told = list_releases(store.uri)
    lines = list(told.lines)
    assert told.code == DIFFERENT
    assert [line.split()[:3] for line in lines[:2]] == [["name", "version", "verdict"], ["headlines", "1.0.0", "pass"]]
    assert len(lines) == 10
    assert all(line.isprintable() and "is no release: " in line for line in lines[2:])
    assert "leads to headlines 1.0.0; the store is not to be trusted" in " ".join(lines)
