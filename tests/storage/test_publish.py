"""A published folder is what was sealed, or is refused as unfinished."""

import shutil
from pathlib import Path

import pytest

from potstill.artifacts import CHECKPOINT, DATASET, UNSEALED, expect
from potstill.data.importing import ImportDataConfig, import_data
from potstill.errors import ArtifactError, InputError
from potstill.store import folders
from potstill.store.finding import fetch
from potstill.store.folders import claim, publish
from potstill.store.place import Place
from potstill.store.places import open_place
from potstill.store.s3 import is_s3

pytestmark = pytest.mark.s3


@pytest.fixture
def artifact(tmp_path):
    return made(tmp_path / "made", "a.csv", "sub/b 学生.csv")


def made(folder: Path, *names: str) -> Path:
    """A sealed data set of these files."""
    source = folder.with_suffix(".source")
    for name in names:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("text,label\n姚明,体育\n", encoding="utf-8")
    import_data(str(source), folder, ImportDataConfig())
    return folder


def brought(place: Place, folder: Path) -> Path:
    """The place's objects as a folder."""
    folder.mkdir()
    if is_s3(place.uri):
        fetch(place.uri, folder)
    else:
        shutil.copytree(place.folder, folder, dirs_exist_ok=True)
    return folder


def test_what_is_published_is_whole(place, artifact, tmp_path):
    publish(artifact, place.uri)
    assert expect(brought(place, tmp_path / "got"), DATASET).digest == expect(artifact, DATASET).digest


def test_an_artifact_takes_the_place_of_another_of_its_kind(place, artifact, tmp_path):
    publish(made(tmp_path / "before", "old.csv", "a.csv"), place.uri)
    publish(artifact, place.uri)
    assert expect(brought(place, tmp_path / "got"), DATASET).digest == expect(artifact, DATASET).digest


@pytest.mark.parametrize("place", ["disk", "radosgw"], indirect=True)
def test_one_killed_at_any_moment_is_refused_and_can_be_published_again(place, artifact, tmp_path, monkeypatch):
    before = made(tmp_path / "before", "old.csv", "a.csv")
    was, wanted = expect(before, DATASET).digest, expect(artifact, DATASET).digest
    publish(before, place.uri)
    for steps in range(30):
        if not killed_after(steps, artifact, place.uri, monkeypatch):
            break
        folder = brought(place, tmp_path / f"got-{steps}")
        if steps:
            with pytest.raises(ArtifactError, match="is unfinished"):
                expect(folder, DATASET)
        else:
            assert expect(folder, DATASET).digest == was
    assert steps > 5
    assert expect(brought(place, tmp_path / "got"), DATASET).digest == wanted


class Killed(BaseException):
    pass


def killed_after(steps: int, artifact: Path, uri: str, monkeypatch) -> bool:
    """Publish, and end before the change of that number; tell whether it was cut short."""
    left = [steps]

    def counted(change):
        def one(*args):
            if not left[0]:
                raise Killed
            left[0] -= 1
            return change(*args)

        return one

    def opened(uri):
        place = open_place(uri)
        delete = counted(place.delete)
        place.write_from = counted(place.write_from)
        place.delete = lambda keys: [delete([key]) for key in keys]
        return place

    with monkeypatch.context() as patched:
        patched.setattr(folders, "open_place", opened)
        try:
            publish(artifact, uri)
        except Killed:
            return True
        return False


def test_a_claimed_place_is_unfinished(place, artifact, tmp_path):
    publish(artifact, place.uri)
    claim(place.uri, DATASET)
    with pytest.raises(ArtifactError, match="is unfinished"):
        expect(brought(place, tmp_path / "got"), DATASET)


@pytest.mark.parametrize("manifest", [None, b"{}", b'{"kind": "dataset/v1", "files": []}'])
def test_never_deletes_what_it_did_not_write(place, artifact, manifest):
    place.write("thesis.txt", b"")
    if manifest is not None:
        place.write("artifact.json", manifest)
    was = place.keys()
    with pytest.raises(ArtifactError, match=r"potstill did not write: .*thesis\.txt; pass an empty place"):
        publish(artifact, place.uri)
    assert place.keys() == was


def test_refuses_another_kind(place, artifact):
    publish(artifact, place.uri)
    with pytest.raises(ArtifactError, match=r"holds dataset/v1, which checkpoint/v1 would replace"):
        claim(place.uri, CHECKPOINT)
    assert UNSEALED not in set(place.keys())


def test_refuses_a_folder_that_is_no_whole_artifact(place, artifact):
    (artifact / "a.csv").write_text("changed")
    with pytest.raises(ArtifactError, match=r"changed a\.csv"):
        publish(artifact, place.uri)
    assert place.keys() == []


def test_a_store_that_is_not_there_is_one_line(s3_environment, artifact):
    with pytest.raises(InputError, match="there is no bucket 'nowhere'"):
        publish(artifact, "s3://nowhere/x")
