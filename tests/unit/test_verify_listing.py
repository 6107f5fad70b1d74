"""What lies in a folder that nobody vouches for is listed without being opened, followed or waited for."""

import hashlib
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from potstill.artifacts import File
from potstill.verify import listing
from potstill.verify.listing import digest, list_folder, read_plain


def make(root, **files):
    for name, text in files.items():
        place = root / name.replace("__", "/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text)
    return root


def test_files_are_listed_with_their_digests(tmp_path):
    found = list_folder(make(tmp_path, a=b"one", folder__b=b"two"))
    assert found.files == {
        "a": File("a", 3, hashlib.sha256(b"one").hexdigest()),
        "folder/b": File("folder/b", 3, hashlib.sha256(b"two").hexdigest()),
    }
    assert (found.strange, found.names, found.unreadable) == ((), (), [])


def test_hidden_files_are_listed(tmp_path):
    make(tmp_path, **{".git__config": b"", ".hidden": b""})
    assert set(list_folder(tmp_path).sizes) == {".git/config", ".hidden"}


def test_links_are_not_followed(tmp_path):
    make(tmp_path, a=b"")
    (tmp_path / "file").symlink_to("a")
    (tmp_path / "folder").symlink_to("/")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "lost").symlink_to("nowhere")
    found = list_folder(tmp_path)
    assert set(found.sizes) == {"a"}
    assert [line.split()[0] for line in found.strange] == ["file", "folder", "loop", "lost"]
    assert all("symbolic link" in line for line in found.strange)


def test_pipes_sockets_and_empty_folders_are_told(tmp_path):
    make(tmp_path, a=b"")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        found = list_folder(tmp_path)
    assert sorted(line.split()[0] for line in found.strange) == ["empty", "pipe", "socket"]


@pytest.mark.parametrize(
    ("first", "second"),
    [("README.md", "readme.md"), ("Ünder", "U\u0308nder"), ("straße", "STRASSE"), ("Folder/a", "folder/b")],
)
def test_names_that_are_one_name_elsewhere_are_told(tmp_path, first, second):
    make(tmp_path, **{first.replace("/", "__"): b"", second.replace("/", "__"): b""})
    assert len(list_folder(tmp_path).names) == 1


STRANGE = (
    *("a\\b", "a\nb", "a\u202eb", "a\u200bb", "a\x7f", "model.onnx.", "model.onnx ", " ", "folder./a", "folder /a"),
    *("CON", "con", "aux.txt", "Nul.tar.gz", "con .txt", "COM1", "lpt¹", "x/prn/y", "CONIN$", "a:stream", "a<b", "a|b"),
    *("a?", "a*", 'a"b', "model.onnx\ufe0f", "a\ufe00b", "model.onnx\u3164", "\u115f", "\u1160", "a\u17b4", "a\u17b5"),
    *("a\u2028b", "a\u2029b", "\ue000x", "a\u0378", "a\U000e0100", "a\u00a0b", "a\u2800", "a\uffa0", "\u180b"),
)
PLAIN = ("console.txt", "com.apple.CoreML", "a b", ".hidden", "com10", "Ünder", "中文", "𝔞", "a.b.c", "nullable", "…")


@pytest.mark.parametrize("name", PLAIN)
def test_names_that_every_system_reads_alike_are_taken(tmp_path, name):
    make(tmp_path, **{name: b""})
    assert list_folder(tmp_path).names == ()


@pytest.mark.parametrize("name", STRANGE)
def test_names_that_nobody_sees_as_they_are_are_told(tmp_path, name):
    make(tmp_path, **{name.replace("/", "__"): b""})
    assert len(list_folder(tmp_path).names) == 1


def test_names_that_are_not_utf8_are_told(tmp_path):
    (tmp_path / os.fsdecode(b"\xff\xfe")).touch()
    assert "not UTF-8" in list_folder(tmp_path).names[0]


def test_a_folder_too_deep_to_name_is_told(tmp_path):
    here = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(30):
            os.mkdir("d" * 200, dir_fd=here)
            deeper = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = deeper
    finally:
        os.close(here)
    found = list_folder(tmp_path)
    assert any("too long" in line for line in found.strange)


def test_a_sparse_file_of_a_terabyte_is_not_read(tmp_path):
    with (tmp_path / "huge").open("wb") as stream:
        stream.truncate(10**12)
    found = list_folder(tmp_path)
    assert found.files == {}
    assert "none was read" in found.unreadable[0]


def test_too_many_files_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(listing, "MOST_FILES", 10)
    make(tmp_path, **{f"f{number}": b"" for number in range(20)})
    found = list_folder(tmp_path)
    assert len(found.sizes) == 10
    assert "more than 10 files" in found.strange[0]


def test_what_became_a_pipe_or_a_link_meanwhile_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    make(tmp_path, target=b"secret")
    (tmp_path / "link").symlink_to("target")
    assert "not a plain file" in digest(tmp_path, "pipe")
    assert "cannot be read" in digest(tmp_path, "link")
    assert "cannot be read" in digest(tmp_path, "gone")
    with pytest.raises(OSError, match="plain file"):
        read_plain(tmp_path, "pipe", 10)
    with pytest.raises(OSError, match="more than 3 bytes"):
        read_plain(tmp_path, "target", 3)


def test_what_may_not_be_read_is_told(tmp_path):
    """As somebody other than root, who may read everything."""
    with tempfile.TemporaryDirectory() as place:
        root = make(Path(place), a=b"x", folder__b=b"y", c=b"z")
        root.chmod(0o755)
        (root / "a").chmod(0)
        (root / "folder").chmod(0)
        told = _list_as_nobody(root)
        (root / "folder").chmod(0o700)
    assert "a cannot be read: Permission denied" in told
    assert "folder cannot be listed: Permission denied" in told
    assert "c" in told.splitlines()


def _list_as_nobody(root):
    """List a folder in a process that gives up root, if it is root; → what it told, a line each."""
    program = (
        "import os, sys; from pathlib import Path; from potstill.verify.listing import list_folder\n"
        "os.geteuid() or os.setuid(65534)\n"
        "found = list_folder(Path(sys.argv[1]))\n"
        "print(*found.strange, *found.unreadable, *found.files, sep='\\n')"
    )
    ran = subprocess.run([sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True)
    return ran.stdout
