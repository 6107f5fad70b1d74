"""Folders of others are walked in one way: no link is followed, and what cannot be listed is not passed over."""

import os
import shutil

import pytest

from potstill.artifacts import TOKENS, UNSEALED, below, plain_files, scan
from potstill.errors import ArtifactError
from potstill.evidence.layout import DEFINITION_FOLDER, STATEMENTS
from potstill.evidence.papers import refuse_other_papers
from potstill.evidence.whole import evidence_of
from potstill.output_folder import creating
from tests.released import make_release


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return make_release(tmp_path_factory.mktemp("links"))


@pytest.fixture
def copy(released, tmp_path):
    return shutil.copytree(released, tmp_path / "copy")


def linked(folder, way):
    """Put a link into a folder: to its parent, to itself, or to a folder or a file outside."""
    outside = folder.parent / "outside"
    (outside / "inner").mkdir(parents=True)
    (outside / "inner" / "secret.txt").write_text("x")
    targets = {"parent": "..", "itself": ".", "folder": outside, "file": outside / "inner" / "secret.txt"}
    (folder / "link").symlink_to(targets[way])
    return folder


WAYS = ["parent", "itself", "folder", "file"]


@pytest.mark.parametrize("way", WAYS)
def test_the_walk_comes_to_an_end_and_stays_inside(way, tmp_path):
    (tmp_path / "walked" / "a" / "b").mkdir(parents=True)
    linked(tmp_path / "walked", way)
    found = [each.relative_to(tmp_path / "walked").as_posix() for each in below(tmp_path / "walked")]
    assert sorted(found) == ["a", "a/b", "link"]
    for look in (scan, lambda path: list(plain_files(path))):
        with pytest.raises(ArtifactError, match="link is not a plain file"):
            look(tmp_path / "walked")


@pytest.mark.parametrize("way", WAYS)
def test_a_link_in_a_definition_is_refused(way, copy):
    linked(copy / DEFINITION_FOLDER, way)
    with pytest.raises(ArtifactError, match="link is not a plain file"):
        evidence_of(copy)


@pytest.mark.parametrize("way", WAYS)
def test_a_link_among_the_statements_is_refused(way, copy):
    evidence = evidence_of(copy)
    linked(copy / STATEMENTS, way)
    with pytest.raises(ArtifactError, match="link is not a plain file"):
        refuse_other_papers(evidence)


@pytest.mark.parametrize("place", [DEFINITION_FOLDER, "evidence"])
def test_a_folder_that_is_a_link_itself_is_refused(place, copy):
    (copy / place).rename(copy.parent / "moved")
    (copy / place).symlink_to(copy.parent / "moved")
    with pytest.raises(ArtifactError, match="is a link; a release holds plain files only"):
        evidence_of(copy)


@pytest.mark.parametrize("way", WAYS)
def test_an_output_folder_with_a_link_in_it_is_left_alone(way, tmp_path):
    (tmp_path / "out").mkdir()
    linked(tmp_path / "out", way)
    with (
        pytest.raises(ArtifactError, match="holds files that potstill did not write"),
        creating(tmp_path / "out", TOKENS),
    ):
        pass
    assert (tmp_path / "outside" / "inner" / "secret.txt").exists()
    assert (tmp_path / "out" / "link").is_symlink()


def test_an_output_folder_that_cannot_be_listed_is_not_taken_for_an_empty_one(tmp_path, monkeypatch):
    """As root no folder is closed, so that the system's answer is forged."""
    closed = tmp_path / "out" / "closed"
    closed.mkdir(parents=True)
    (closed / "thesis.txt").touch()
    scandir = os.scandir

    def refusing(path):
        if os.fspath(path) == str(closed):
            raise PermissionError(13, "Permission denied", str(closed))
        return scandir(path)

    monkeypatch.setattr("os.scandir", refusing)
    with pytest.raises(ArtifactError, match="closed cannot be listed"), creating(tmp_path / "out", TOKENS):
        pass
    assert (closed / "thesis.txt").exists()
    assert not (tmp_path / "out" / UNSEALED).exists()
