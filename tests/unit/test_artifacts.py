"""Sealed folders: whole ones are read, and everything else is refused with the way out."""

import json
import random

import pytest
import rfc8785

from potstill.artifacts import CHECKPOINT, MANIFEST, TOKENS, UNSEALED, expect, scan, seal
from potstill.errors import ArtifactError
from potstill.licences import UNDECLARED, Licence, strictest
from potstill.output_folder import creating

MADE = {"stage": "test"}


@pytest.fixture
def sealed(tmp_path):
    with creating(tmp_path / "made", TOKENS) as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "a.bin").write_bytes(b"a" * 1000)
        (folder / "b.txt").write_text("标签")
        return seal(folder, TOKENS, MADE, {}, {"labels": ["体育"]}, Licence("MIT", "open"))


def test_a_whole_folder_is_read(sealed):
    found = expect(sealed.path, TOKENS, digest=sealed.digest)
    assert [file.path for file in found.files] == ["b.txt", "inner/a.bin"]
    assert found.meaning == {"labels": ["体育"]}
    assert not (sealed.path / UNSEALED).exists()


@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o755, 0o644), (0o750, 0o640), (0o700, 0o600)])
def test_who_may_read_the_folder_may_read_what_is_in_it(tmp_path, folder_mode, file_mode):
    with creating(tmp_path / "made", TOKENS) as folder:
        folder.chmod(folder_mode)
        (folder / "inner").mkdir(mode=0o700)
        (folder / "inner" / "for-its-owner").touch(mode=0o600)
        seal(folder, TOKENS, MADE, {}, {})
    modes = {each.name: each.stat().st_mode & 0o777 for each in (folder / "inner", folder / "inner" / "for-its-owner")}
    assert modes == {"inner": folder_mode, "for-its-owner": file_mode}


def test_the_manifest_is_canonical_json(sealed):
    text = (sealed.path / MANIFEST).read_bytes()
    assert text == rfc8785.dumps(json.loads(text))


def test_the_digest_does_not_depend_on_the_place(tmp_path, sealed):
    with creating(tmp_path / "elsewhere", TOKENS) as folder:
        (folder / "b.txt").write_text("标签")
        (folder / "inner").mkdir()
        (folder / "inner" / "a.bin").write_bytes(b"a" * 1000)
        again = seal(folder, TOKENS, MADE, {}, {"labels": ["体育"]}, Licence("MIT", "open"))
    assert again.digest == sealed.digest


def test_another_kind_and_another_digest_are_refused(sealed):
    with pytest.raises(ArtifactError, match="holds tokens/v1; wanted is checkpoint/v1"):
        expect(sealed.path, CHECKPOINT)
    with pytest.raises(ArtifactError, match="wanted is 0000"):
        expect(sealed.path, TOKENS, digest="0000")


@pytest.mark.parametrize(
    ("harm", "word"),
    [
        (lambda path: (path / "b.txt").unlink(), "missing b.txt"),
        (lambda path: (path / "b.txt").write_text("标签!"), "changed b.txt"),
        (lambda path: (path / "c.txt").touch(), "extra c.txt"),
        (lambda path: (path / "c.txt").symlink_to("b.txt"), "not a plain file"),
        (lambda path: (path / MANIFEST).unlink(), "has no artifact.json"),
        (lambda path: (path / MANIFEST).write_text("{"), "is not a manifest"),
        (lambda path: (path / MANIFEST).write_text('{"kind": "tokens/v1"}'), "is not a manifest"),
        (lambda path: (path / UNSEALED).touch(), "is unfinished"),
    ],
)
def test_every_harm_is_named(sealed, harm, word):
    harm(sealed.path)
    with pytest.raises(ArtifactError, match=word):
        expect(sealed.path, TOKENS)


def test_a_thousand_corruptions_are_noticed(sealed):
    """One byte of one file is changed at a time; the manifest's own bytes are held by its digest."""
    dice = random.Random(0)
    files = [*(sealed.path / file.path for file in sealed.files), sealed.path / MANIFEST]
    for _ in range(1000):
        path = dice.choice(files)
        whole = path.read_bytes()
        place = dice.randrange(len(whole))
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << dice.randrange(8))]) + whole[place + 1 :])
        with pytest.raises(ArtifactError):
            expect(sealed.path, TOKENS, digest=sealed.digest)
        path.write_bytes(whole)


def test_an_artifact_is_as_restricted_as_its_strictest_ancestor(tmp_path, sealed):
    with creating(tmp_path / "teacher", CHECKPOINT) as folder:
        teacher = seal(folder, CHECKPOINT, MADE, {}, {}, Licence("LicenseRef-research", "research-only"))
    with creating(tmp_path / "student", CHECKPOINT) as folder:
        student = seal(folder, CHECKPOINT, MADE, {"tokens": sealed, "teacher": teacher}, {})
    assert student.licence == Licence("LicenseRef-research AND MIT", "research-only")
    assert student.inputs == {"teacher": teacher.digest, "tokens": sealed.digest}
    assert strictest([UNDECLARED, Licence("MIT", "open")]).use == "undeclared"


@pytest.mark.parametrize("expression", ["see LICENSE", "MIT AND", "(MIT", 5, ["MIT"]])
def test_a_manifest_whose_licence_cannot_be_joined_is_refused_before_any_work(sealed, expression):
    manifest = sealed.path / "artifact.json"
    body = json.loads(manifest.read_bytes())
    manifest.write_text(json.dumps({**body, "licence": {"expression": expression, "use": "open"}}))
    with pytest.raises(ArtifactError, match=r"artifact\.json: .*; import it again with --licence") as refused:
        expect(sealed.path, TOKENS)
    assert "\n" not in str(refused.value)


def test_scan_lists_nothing_of_an_empty_folder(tmp_path):
    assert scan(tmp_path) == ()
