"""A place keeps whole objects by key, on a disk as in a bucket."""

import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from potstill.errors import InputError, MissingError, OptionError
from potstill.store.places import open_place
from potstill.store.unfinished import unfinished

pytestmark = pytest.mark.s3
LARGE = 50_000_000  # bytes; a bucket takes it in six parts
KEYS = [
    "a",
    "a b/c+d%20?#&=.json",
    "ab",
    "step/0001/COMMIT.json",
    "step/0001/model",
    "step/0001x",
    "学生/é.safetensors",
]
NO_KEYS = ["", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\0b"]
QUIET = {"capture_output": True, "text": True}
WRITER = """
import sys
from potstill.store.places import open_place
place, data = open_place(sys.argv[1]), sys.argv[2].encode() * 40_000_000
print("ready", flush=True)
while True:
    place.write("step/model", data)
"""


def test_keeps_reads_lists_and_deletes(place):
    assert place.keys() == []
    for key in KEYS:
        place.write(key, key.encode())
    assert place.keys() == KEYS
    assert [place.read(key).decode() for key in KEYS] == KEYS
    place.delete([KEYS[1], "never/there", KEYS[1], "a/x"])
    assert place.keys() == [KEYS[0], *KEYS[2:]]


def test_lists_what_is_below_a_folder_and_not_what_begins_like_it(place):
    for key in KEYS:
        place.write(key, b"")
    assert place.keys("step/0001") == ["step/0001/COMMIT.json", "step/0001/model"]
    assert place.keys("step") == ["step/0001/COMMIT.json", "step/0001/model", "step/0001x"]
    assert place.keys("a") == place.keys("nothing/here") == []


def test_a_place_begins_where_its_folder_does(place):
    open_place(f"{place.uri}/a").write("x", b"1")
    open_place(f"{place.uri}/ab/").write("x", b"2")
    assert place.keys() == ["a/x", "ab/x"]
    assert open_place(f"{place.uri}/a").keys() == ["x"]
    assert open_place(f"{place.uri}/ab/").uri == f"{place.uri}/ab"


def test_an_object_is_written_over(place):
    place.write("x", b"a longer one")
    place.write("x", b"new")
    place.write("empty", b"")
    assert (place.read("x"), place.read("empty")) == (b"new", b"")


def test_a_large_object(place):
    data = random.Random(0).randbytes(LARGE)
    place.write("large", data)
    assert place.read("large") == data


@pytest.mark.parametrize("place", ["radosgw"], indirect=True)
def test_more_objects_than_a_page_lists(place):
    wanted = [f"{number:05d}" for number in range(1001)]
    with ThreadPoolExecutor(8) as threads:  # what is opened once serves several threads
        list(threads.map(lambda key: place.write(key, b""), wanted))
    assert place.keys() == wanted


def test_what_is_not_there_is_told_from_other_errors(place):
    place.write("a", b"")
    for key in ("x", "step/x", "a/x"):
        with pytest.raises(MissingError, match=f"holds no {key}"):
            place.read(key)


def test_refuses_what_is_no_key(place):
    for key in NO_KEYS:
        for use in (place.read, lambda key: place.write(key, b""), lambda key: place.delete([key])):
            with pytest.raises(InputError, match="is not a key"):
                use(key)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "data",
        "/data",
        "file://data",
        "file:data",
        "file://",
        "file:///",
        "gs://bucket",
        "s3://",
        "s3:///x",
        "S3://b",
    ],
)
def test_refuses_what_is_no_place(uri):
    with pytest.raises(OptionError, match=r"pass file:///absolute/folder or s3://|names no bucket"):
        open_place(uri)


def names(folder) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def refusal(use) -> str:
    """The one line of a refusal."""
    with pytest.raises(InputError) as refused:
        use()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def uses(place):
    return (lambda: place.read("x"), lambda: place.write("x", b""), place.keys, lambda: place.delete(["x"]))


@pytest.mark.parametrize(("name", "code"), [("SECRET_ACCESS_KEY", "Signature"), ("ACCESS_KEY_ID", "InvalidAccessKey")])
def test_wrong_credentials_are_one_line_without_them(s3_bucket, s3_environment, monkeypatch, name, code):
    monkeypatch.setenv(f"AWS_{name}", "a-wrong-one")
    secrets = {"a-wrong-one", s3_environment.access_key, s3_environment.secret_key}
    for use in uses(open_place(f"{s3_bucket}/x")):
        said = refusal(use)
        assert f"access refused ({code}" in said or "access refused (403)" in said  # the second of a HEAD
        assert not any(secret in said for secret in secrets)


def test_no_credentials_are_one_line(s3_bucket, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    for use in uses(open_place(s3_bucket)):
        assert "no credentials; set AWS_ACCESS_KEY_ID" in refusal(use)


def test_a_missing_bucket_is_one_line(s3_environment):
    for use in uses(open_place("s3://nowhere/x")):
        assert "there is no bucket 'nowhere'; check the name" in refusal(use)


@pytest.mark.parametrize(
    ("endpoint", "told"),
    [("http://127.0.0.1:9", "check AWS_ENDPOINT_URL and the network"), ("no-url", "Invalid endpoint: no-url")],
)
def test_no_server_is_one_line_and_soon(s3_environment, monkeypatch, endpoint, told):
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    began = time.monotonic()
    said = refusal(lambda: open_place("s3://bucket/x").read("x"))
    assert told in said
    assert "AWS_ENDPOINT_URL" in said
    assert time.monotonic() - began < 20  # three attempts, with a wait of at most 1 and 2 s between them


def test_a_disk_needs_no_boto3(on_disk):
    code = "import sys; sys.modules['boto3'] = None\nfrom potstill.store.places import open_place\n"
    code += f"open_place({on_disk.uri!r}).write('x', b'')\n"
    done = subprocess.run([sys.executable, "-c", f"{code}open_place('s3://bucket')"], check=False, **QUIET)
    assert on_disk.keys() == ["x"]
    assert done.stderr.splitlines()[-1].endswith("s3://bucket needs boto3, which is not installed; pip install boto3")


@pytest.fixture
def on_disk(tmp_path):
    return open_place((tmp_path / "place").as_uri())


@pytest.fixture
def folder(on_disk, tmp_path):
    on_disk.write("x", b"")
    return tmp_path / "place"


def test_a_disk_has_no_way_out_through_a_link(on_disk, folder, tmp_path):
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "x").write_bytes(b"secret")
    (folder / "link").symlink_to(tmp_path / "private")
    (folder / "file").symlink_to(tmp_path / "private" / "x")
    for key in ("link/x", "file", ".unfinished/x"):
        for use in (on_disk.read, lambda key: on_disk.write(key, b""), lambda key: on_disk.delete([key])):
            with pytest.raises(InputError, match="no key leads there"):
                use(key)
    assert on_disk.keys() == ["x"]
    assert (tmp_path / "private" / "x").read_bytes() == b"secret"


def test_a_disk_that_refuses_is_one_line(on_disk, folder):
    (folder / "y").mkdir()
    assert refusal(lambda: on_disk.write("y", b"")) == f"{folder / 'y'}: Is a directory"
    assert refusal(lambda: on_disk.write("x/z", b"")) == f"{folder / 'x'}: File exists"
    assert refusal(lambda: on_disk.write("n" * 300, b"")).endswith(": File name too long")
    assert names(folder) == [".unfinished", "x", "y"]
    assert names(folder / ".unfinished") == []


def test_a_full_disk_is_one_line_and_leaves_what_was_there(on_disk, folder):
    code = "import resource, sys\nresource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
    code += f"from potstill.store.places import open_place\nopen_place({on_disk.uri!r}).write('x', bytes(100_000))"
    done = subprocess.run([sys.executable, "-c", code], check=False, **QUIET)
    assert done.stderr.splitlines()[-1] == f"potstill.errors.InputError: {folder / 'x'}: File too large"
    assert on_disk.read("x") == b""
    assert names(folder / ".unfinished") == []


def test_a_disk_without_permission_is_one_line(on_disk, folder):
    folder.chmod(0)
    user = os.geteuid()
    try:
        os.seteuid(user or 65534)  # root may write everywhere, so here it is nobody
        for use in uses(on_disk):
            assert refusal(use).endswith(": Permission denied")
    finally:
        os.seteuid(user)
        folder.chmod(0o700)


def test_emptied_folders_go(on_disk, folder):
    on_disk.write("step/1/model", b"")
    on_disk.delete(["step/1/model", "x"])
    assert names(folder) == [".unfinished"]


def writer(uri: str, letter: str) -> "subprocess.Popen[str]":
    started = subprocess.Popen([sys.executable, "-c", WRITER, uri, letter], stdout=subprocess.PIPE, text=True)
    assert started.stdout.readline() == "ready\n"
    return started


def end(process) -> None:
    process.kill()
    process.stdout.close()
    process.wait()


@pytest.mark.parametrize(("place", "kills"), [("disk", 20), ("radosgw", 5)], indirect=["place"])
def test_a_killed_write_leaves_the_object_as_it_was_or_whole(place, kills):
    chance, left = random.Random(0), 0
    for kill in range(kills):
        process = writer(place.uri, "ab"[kill % 2])
        time.sleep(chance.uniform(0, 0.1 if kills == 20 else 1))
        end(process)
        left += unfinished_at(place)
        if place.keys():
            assert place.keys() == ["step/model"]
            assert place.read("step/model") in (b"a" * 40_000_000, b"b" * 40_000_000)
    assert left > kills / 4  # kills came amid a write
    place.write("x", b"")
    assert place.uri.startswith("s3://") or not unfinished_at(place)


def unfinished_at(place) -> int:
    """How many killed writes have left something, of which nothing is seen."""
    if place.uri.startswith("s3://"):
        return len(place.client.list_multipart_uploads(Bucket=place.bucket).get("Uploads", ()))
    return len(names(place.folder / ".unfinished"))


def test_a_living_writers_file_is_not_swept(folder):
    with unfinished(folder / ".unfinished") as first:
        with unfinished(folder / ".unfinished"):
            assert len(names(folder / ".unfinished")) == 2
        assert names(folder / ".unfinished") == [Path(first.name).name]
    assert names(folder / ".unfinished") == []


def test_two_write_the_same_object_at_once(on_disk, folder):
    processes = [writer(on_disk.uri, letter) for letter in "ab"]
    ends, seen = time.monotonic() + 2, set()
    while time.monotonic() < ends:
        if on_disk.keys("step"):
            data = on_disk.read("step/model")
            assert len(data) == 40_000_000
            assert data == data[:1] * len(data)
            seen.add(data[:1])
    assert [process.poll() for process in processes] == [None, None]
    for process in processes:
        end(process)
    assert seen == {b"a", b"b"}


@pytest.mark.parametrize("below", ["", "/further/down"])
def test_a_file_is_no_folder_to_write_in(tmp_path, below):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match=f"^{tmp_path}/file is a file; pass a folder$"):
        open_place(f"{(tmp_path / 'file').as_uri()}{below}").write("a", b"x")
    assert (tmp_path / "file").read_text() == "mine"
