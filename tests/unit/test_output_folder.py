"""Output folders: a stage may be run again, two at once are told apart, and no file of a user's is ever deleted."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from potstill.artifacts import CHECKPOINT, MANIFEST, TOKENS, UNSEALED, expect, seal
from potstill.errors import ArtifactError
from potstill.licences import Licence
from potstill.output_folder import creating

WRITER = """
import sys, time
from pathlib import Path
from potstill.output_folder import creating
with creating(Path(sys.argv[1]), "tokens/v1") as folder:
    (folder / "half").touch()
    (folder / "tmp").mkdir()
    (folder / "tmp" / "part").touch()
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def sealed(tmp_path):
    with creating(tmp_path / "made", TOKENS) as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "a.bin").write_bytes(b"a" * 1000)
        return seal(folder, TOKENS, {"stage": "test"}, {}, {}, Licence("MIT", "open"))


@pytest.fixture
def writer(tmp_path):
    """A process in the midst of writing `tmp_path / "out"`."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "out")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "writing\n"
        yield process
        process.kill()


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def write(folder: Path, kind: str = TOKENS) -> None:
    with creating(folder, kind):
        (folder / "b.txt").write_text("new")
        seal(folder, kind, {"stage": "test"}, {}, {})


def test_a_killed_stage_can_be_run_again(tmp_path, writer):
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    with pytest.raises(ArtifactError, match="is unfinished"):
        expect(tmp_path / "out", TOKENS)
    write(tmp_path / "out")
    assert [file.path for file in expect(tmp_path / "out", TOKENS).files] == ["b.txt"]


def test_two_at_once_are_told_apart(tmp_path, writer):
    with pytest.raises(ArtifactError, match="another process is writing"), creating(tmp_path / "out", TOKENS):
        pass
    assert (tmp_path / "out" / "half").exists()
    assert writer.poll() is None


def test_a_sealed_folder_is_replaced_by_one_of_its_kind(sealed):
    write(sealed.path)
    assert names(sealed.path) == [MANIFEST, "b.txt"]


def test_a_sealed_folder_that_a_kill_left_half_emptied_is_replaced(sealed):
    (sealed.path / UNSEALED).touch()
    (sealed.path / "inner" / "a.bin").unlink()
    write(sealed.path)
    assert expect(sealed.path, TOKENS)


def test_a_sealed_folder_of_another_kind_is_kept(sealed):
    with (
        pytest.raises(ArtifactError, match="holds tokens/v1, which checkpoint/v1 would replace"),
        creating(sealed.path, CHECKPOINT),
    ):
        pass
    expect(sealed.path, TOKENS)


@pytest.mark.parametrize("name", ["notes.txt", "inner/notes.txt", "own/notes.txt"])
@pytest.mark.parametrize("killed", [False, True])
def test_a_file_beside_the_sealed_ones_is_kept(sealed, name, killed):
    """A kill between the marker and the emptying leaves manifest and marker; the manifest still tells what is ours."""
    (sealed.path / name).parent.mkdir(exist_ok=True)
    (sealed.path / name).write_text("years of work")
    if killed:
        (sealed.path / UNSEALED).touch()
    with (
        pytest.raises(ArtifactError, match=f"holds files that potstill did not write: {name}; move them"),
        creating(sealed.path, TOKENS),
    ):
        pass
    assert (sealed.path / name).read_text() == "years of work"
    assert (sealed.path / UNSEALED).exists() == killed


def test_a_link_beside_the_sealed_files_is_kept(sealed, tmp_path):
    (sealed.path / "link").symlink_to(tmp_path)
    with pytest.raises(ArtifactError, match="potstill did not write: link"), creating(sealed.path, TOKENS):
        pass
    assert (sealed.path / "link").is_symlink()


def test_foreign_files_are_never_deleted(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ArtifactError, match="potstill did not write"), creating(tmp_path, TOKENS):
        pass
    assert names(tmp_path) == ["thesis.txt"]


def test_a_folder_with_a_manifest_of_its_own_making_is_kept(tmp_path):
    (tmp_path / MANIFEST).write_text('{"name": "mine"}')
    with pytest.raises(ArtifactError, match="is not a manifest"), creating(tmp_path, TOKENS):
        pass
    assert names(tmp_path) == [MANIFEST]


def test_a_file_is_no_output_folder(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(ArtifactError, match="is not a folder"), creating(tmp_path / "out", TOKENS):
        pass


def test_an_input_inside_the_output_is_kept(tmp_path, writer):
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    with (
        pytest.raises(ArtifactError, match="is read and written at once"),
        creating(tmp_path / "out", TOKENS, tmp_path / "out" / "half"),
    ):
        pass
    assert (tmp_path / "out" / "half").exists()


def test_work_that_fails_leaves_nothing(tmp_path):
    def fail():
        with creating(tmp_path / "out", TOKENS) as folder:
            (folder / "half").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not (tmp_path / "out").exists()


def test_an_output_inside_a_sealed_folder_is_refused(sealed):
    with (
        pytest.raises(ArtifactError, match="which is sealed and would be broken"),
        creating(sealed.path / "inner" / "x", TOKENS),
    ):
        pass
    expect(sealed.path, TOKENS)


def test_an_output_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactError, match="cannot be written"), creating(tmp_path / "file" / "out", TOKENS):
        pass
