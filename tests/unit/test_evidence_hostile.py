"""Whatever stands in the JSON of a release, its reader refuses it in one line or reads it; it never falls over."""

import json
import random
import shutil

import pytest

from potstill.artifacts import scan
from potstill.errors import PotstillError
from potstill.evidence.layout import INDEX, MANIFESTS, SUMMARY, VERDICT
from potstill.evidence.manifest import digest_of
from potstill.evidence.papers import papers_of
from potstill.evidence.shipped import refuse_other_files
from potstill.evidence.whole import evidence_of
from potstill.signing.canonical import canonical
from tests.released import make_release

STRANGE = [
    None,
    True,
    -1,
    0.5,
    2**53 - 1,
    "",
    "x",
    "\n",
    "\u202e</b>",
    "../..",
    [],
    [[]],
    {},
    {"": None},
    {"\n": "\n"},
    "ab" * 32,
]
ROUNDS = 60  # of each kind of file; each changes another place


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return make_release(tmp_path_factory.mktemp("hostile"))


def places(value, path=()):
    """Every place in a JSON value."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


def changed(value, path, new):
    """A copy with another value in one place; the key itself, where that is a text, may be what changes."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


def read_all(folder):
    """Read all that a signer or an auditor reads; → why it is refused, or nothing."""
    try:
        evidence = evidence_of(folder)
        papers_of(evidence)
        refuse_other_files(evidence, scan(folder))
    except PotstillError as refused:
        return str(refused)
    return ""


def renamed(folder, digest, data):
    """Put a manifest in the place of another, and its digest wherever that of the other stands."""
    (folder / MANIFESTS / f"{digest}.json").unlink()
    (folder / MANIFESTS / f"{digest_of(data)}.json").write_bytes(data)
    for name in (INDEX, VERDICT):
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace(digest, digest_of(data)), encoding="utf-8")


@pytest.mark.parametrize("name", [INDEX, VERDICT, SUMMARY, "evidence/definition/images.json"])
def test_strange_values_in_a_file(released, tmp_path, name):
    chance, good = random.Random(name), json.loads((released / name).read_bytes())
    folder = shutil.copytree(released, tmp_path / "copy")
    every = list(places(good))
    for _ in range(ROUNDS):
        place, new = chance.choice(every), chance.choice(STRANGE)
        (folder / name).write_bytes(canonical(changed(good, place, new)))
        refused = read_all(folder)
        assert "\n" not in refused
        if name == INDEX and changed(good, place, new) != good:
            assert refused or place[0] in OWN, place


OWN = ("name", "version")  # nothing else in a release tells them: the signature does


@pytest.mark.parametrize("stage", ["validate", "onnx-export", "import-data", "definition"])
def test_strange_values_in_a_manifest_that_all_others_name(released, tmp_path, stage):
    """These are read by no other stage, or by the report alone; so that the rest still hangs together."""
    chance, evidence = random.Random(stage), evidence_of(released)
    known = next(each for each in evidence.manifests.values() if each.made_by["stage"] == stage)
    good = json.loads((released / MANIFESTS / f"{known.digest}.json").read_bytes())
    every = list(places(good))
    for number in range(ROUNDS):
        folder = shutil.copytree(released, tmp_path / str(number))
        place, new = chance.choice(every), chance.choice(STRANGE)
        renamed(folder, known.digest, canonical(changed(good, place, new)))
        assert "\n" not in read_all(folder), place


@pytest.mark.parametrize("text", [b"", b"\xff", b"null", b"[" * 100_000, b"{}", b'{"a":1,"a":1}', b"NaN", b"1e999"])
@pytest.mark.parametrize("name", [INDEX, VERDICT, SUMMARY, "evidence/definition/images.json"])
def test_what_is_no_json_is_refused(released, tmp_path, name, text):
    folder = shutil.copytree(released, tmp_path / "copy")
    (folder / name).write_bytes(text)
    assert read_all(folder)


@pytest.mark.parametrize("name", [INDEX, VERDICT, MANIFESTS, "evidence/definition/images.json", "models/onnx"])
def test_a_link_or_a_folder_in_the_place_of_a_file_is_refused(released, tmp_path, name):
    folder = shutil.copytree(released, tmp_path / "copy")
    place = folder / name
    place.rename(tmp_path / "aside")
    place.symlink_to(tmp_path / "aside")
    assert read_all(folder)
    place.unlink()
    place.mkdir()
    assert read_all(folder)
