"""Manifests as evidence: the bytes that were sealed, of their shape, with paths that stay inside."""

import json
from pathlib import Path

import pytest
import rfc8785

from potstill.artifacts import MANIFEST, expect
from potstill.errors import InputError
from potstill.evidence.manifest import read_evidence_manifest
from tests.released import make_lineage


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """The manifest of every artifact of a run."""
    run = make_lineage(tmp_path_factory.mktemp("manifests"))
    return {name: path for name, path in run.items() if path.is_dir()}


def read(data):
    return read_evidence_manifest(data, "it", Path("it"))


def test_every_sealed_manifest_is_evidence(sealed):
    for path in sealed.values():
        found, known = read((path / MANIFEST).read_bytes()), expect(path, *{read((path / MANIFEST).read_bytes()).kind})
        assert (found.digest, found.inputs, found.files) == (known.digest, known.inputs, known.files)


def test_other_bytes_of_the_same_json_are_none(sealed):
    body = json.loads((sealed["tokens"] / MANIFEST).read_bytes())
    for text in (json.dumps(body), json.dumps(body, sort_keys=True, separators=(",", ":")) + " "):
        with pytest.raises(InputError, match="not canonical"):
            read(text.encode())


def file(path="a", size=1, sha256="ab" * 32):
    return {"path": path, "bytes": size, "sha256": sha256}


UNSAFE = ["", "/a", "../a", "a/../b", "a//b", "./a", "a/", "a\\b", "a\0b", "artifact.json", ".unsealed", 1, None]


@pytest.mark.parametrize("path", UNSAFE)
def test_a_path_that_could_lead_out_is_refused(sealed, path):
    body = json.loads((sealed["tokens"] / MANIFEST).read_bytes())
    with pytest.raises(InputError, match="path must be"):
        read(rfc8785.dumps({**body, "files": [file(path)]}))


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "tokens/v2"},
        {"kind": ["tokens/v1"]},
        {"files": {}},
        {"files": [file("b"), file("a")]},
        {"files": [file("a"), file("a")]},
        {"files": [file(size=-1)]},
        {"files": [file(size=True)]},
        {"files": [file(size=1.5)]},
        {"files": [file(sha256="AB" * 32)]},
        {"files": [{**file(), "mode": 1}]},
        {"inputs": {"data": "ab"}},
        {"inputs": {"data": None}},
        {"inputs": []},
        {"licence": {"expression": "MIT", "use": "any"}},
        {"licence": {"expression": 1, "use": "open"}},
        {"licence": None},
        {"meaning": []},
        {"made_by": {}},
        {"made_by": "me"},
        {"more": 1},
    ],
    ids=str,
)
def test_what_is_not_of_the_shape_is_refused_in_one_line(sealed, changed):
    body = json.loads((sealed["tokens"] / MANIFEST).read_bytes())
    with pytest.raises(InputError) as refused:
        read(rfc8785.dumps({**body, **changed}))
    assert str(refused.value).startswith("it")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stage", "../prune"),
        ("stage", ""),
        ("stage", None),
        ("source", "f3"),
        ("libraries", {"torch": 2}),
        ("libraries", []),
        ("config", None),
        ("processor", []),
        ("potstill", 1),
        ("revision", None),
        ("time", "today"),
    ],
)
def test_a_maker_of_another_shape_is_refused(sealed, name, value):
    body = json.loads((sealed["tokens"] / MANIFEST).read_bytes())
    with pytest.raises(InputError, match="made_by"):
        read(rfc8785.dumps({**body, "made_by": {**body["made_by"], name: value}}))
