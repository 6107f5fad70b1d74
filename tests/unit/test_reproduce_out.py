"""The folder of a reproduction is judged before anything takes time, and nothing is made where it is refused."""

import pytest

from potstill.artifacts import MANIFEST, sha256_of
from potstill.cli import main
from potstill.errors import ArtifactError
from potstill.evidence.layout import INDEX
from potstill.reproduce import command
from potstill.reproduce.workplace import MARKER, refuse_workplace, workplace
from tests.released import make_release

RELEASE = "77" * 32


@pytest.fixture
def impatient(monkeypatch):
    """Any look at artifacts fails the test."""

    def too_early(*_given, **_named):
        raise AssertionError("the folder to work in was not judged first")

    for name in ("Originals", "find_given", "refuse_other_files", "look_at"):
        monkeypatch.setattr(command, name, too_early)


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("mine", "holds what no reproduction wrote"),
        ("other", "holds the reproduction of another release"),
        ("file", "is not a folder"),
        ("file/inside", "cannot be written"),
        ("release", "is sealed and would be broken"),
        ("release/inside", "is sealed and would be broken"),
    ],
)
@pytest.mark.usefixtures("impatient")
def test_it_is_refused_before_any_artifact_is_looked_at(place, why, tmp_path, capsys):
    released = make_release(tmp_path)
    for name, held in (("mine", "thesis.txt"), ("other", MARKER)):
        (tmp_path / name).mkdir()
        (tmp_path / name / held).write_text('{"reproduces": "another"}')
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    capsys.readouterr()
    assert main(["reproduce", str(released), "--artifacts", str(tmp_path / "run"), "--out", str(tmp_path / place)]) == 2
    said = capsys.readouterr().err
    assert why in said
    assert said.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_may_not_be_written_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("potstill.reproduce.workplace.os.access", lambda path, _mode: path != tmp_path)
    for out in (tmp_path, tmp_path / "new" / "folder"):
        with pytest.raises(ArtifactError, match="cannot be written"):
            refuse_workplace(out, RELEASE)
    assert list(tmp_path.iterdir()) == []


def test_what_is_good_is_let_be_and_nothing_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refuse_workplace(None, RELEASE)
    refuse_workplace(tmp_path / "new" / "folder", RELEASE)
    assert list(tmp_path.iterdir()) == []
    with workplace(tmp_path / "new", RELEASE, keep=False):
        pass
    refuse_workplace(tmp_path / "new", RELEASE)


def test_the_release_is_known_by_its_index(tmp_path):
    released = make_release(tmp_path)
    with workplace(tmp_path / "out", sha256_of(released / INDEX), keep=False):
        pass
    assert not (tmp_path / "out" / MANIFEST).exists()
    refuse_workplace(tmp_path / "out", sha256_of(released / INDEX))
