"""What is handed over out of the folder of a run: a bundle of its own files, and links that can be moved with it."""

import shutil
from pathlib import Path

import pytest

from pipelines.stable_paths import hand_over, link, take_back
from potstill.artifacts import read_manifest
from potstill.cli import main as potstill
from potstill.errors import ArtifactError
from potstill.reproduce.originals import Originals
from tests.signed import make_bundle


@pytest.fixture
def run(tmp_path):
    """The folder of a run as sign left it; → the folder, the bundle below it, and the public key."""
    made, key = make_bundle(tmp_path / "made")
    bundle = tmp_path / "run" / "kfp" / "run-1" / "sign" / "bundle"
    bundle.parent.mkdir(parents=True)
    made.rename(bundle)
    return tmp_path / "run", bundle, key


def files_of(folder):
    return {each.relative_to(folder): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def is_proved(bundle, key):
    return potstill(["verify", str(bundle), "--key", str(key)]) == 0


def test_a_bundle_that_is_damaged_leaves_the_original_as_it_was(run):
    folder, bundle, key = run
    before = files_of(bundle)
    hand_over(bundle, folder / "bundle")
    assert not any(each.is_symlink() for each in [folder / "bundle", *(folder / "bundle").rglob("*")])
    assert files_of(folder / "bundle") == before
    for each in (folder / "bundle").rglob("*"):
        if each.is_file():
            with each.open("ab") as file:
                file.write(b"x")
    assert not is_proved(folder / "bundle", key)
    assert files_of(bundle) == before
    assert is_proved(bundle, key)


def test_a_bundle_is_handed_over_by_a_copy_of_its_folder_and_outlives_a_move(run, tmp_path):
    folder, bundle, key = run
    hand_over(bundle, folder / "bundle")
    shutil.copytree(folder / "bundle", tmp_path / "handed", symlinks=True)  # cp -r
    folder.rename(tmp_path / "moved")
    assert is_proved(tmp_path / "handed", key)
    assert is_proved(tmp_path / "moved" / "bundle", key)


def test_what_cannot_be_copied_whole_has_no_name(run):
    folder, bundle, _ = run
    (bundle / "lost").symlink_to("nowhere")
    with pytest.raises(OSError, match="lost"):
        hand_over(bundle, folder / "bundle")
    assert [each.name for each in folder.iterdir()] == ["kfp"]


def test_a_second_copy_is_taken_for_the_same_artifact(run):
    folder, bundle, _ = run
    hand_over(bundle, folder / "bundle")
    found = Originals(folder)
    assert list(found.folders) == [read_manifest(bundle).digest]
    assert found.find(read_manifest(bundle)) is not None


def test_links_move_with_the_folder_of_the_run(tmp_path):
    (tmp_path / "run" / "kfp").mkdir(parents=True)
    (tmp_path / "run" / "kfp" / "page").write_text("one")
    (tmp_path / "run" / "kfp" / "another").write_text("two")
    link(tmp_path / "run" / "kfp" / "page", tmp_path / "run" / "page.html")
    link(tmp_path / "run" / "kfp" / "another", tmp_path / "run" / "page.html")  # of a later run
    (tmp_path / "run").rename(tmp_path / "moved")
    assert (tmp_path / "moved" / "page.html").read_text() == "two"


def test_a_link_out_of_the_folder_of_the_run_stays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "elsewhere").write_text("there")
    link(Path("elsewhere"), Path("run") / "start")
    (tmp_path / "run").rename(tmp_path / "moved")
    assert (tmp_path / "moved" / "start").read_text() == "there"


@pytest.mark.parametrize("earlier", ["copy", "link", "dangling link", "nothing"])
def test_the_bundle_of_an_earlier_run_is_taken_back(run, earlier):
    folder, bundle, _ = run
    before = files_of(bundle)
    if earlier == "copy":
        hand_over(bundle, folder / "bundle")
    elif earlier != "nothing":  # as earlier versions left it
        (folder / "bundle").symlink_to(bundle if earlier == "link" else "nowhere")
    take_back(folder / "bundle")
    assert [each.name for each in folder.iterdir()] == ["kfp"]
    assert files_of(bundle) == before


def test_what_somebody_put_into_the_place_of_a_bundle_is_kept(run):
    folder, bundle, _ = run
    hand_over(bundle, folder / "bundle")
    (folder / "bundle" / "notes.txt").write_text("mine")
    with pytest.raises(ArtifactError, match=r"files that potstill did not write: notes\.txt"):
        take_back(folder / "bundle")
    assert (folder / "bundle" / "notes.txt").read_text() == "mine"
