"""A fetched release appears whole or not at all; what was cut short goes on where it stood."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from potstill.artifacts import BUNDLE, expect
from potstill.errors import ArtifactError, InputError
from potstill.exclusive import exclusive
from potstill.publish.fetching import fetch_bundle
from potstill.publish.layout import blob_key
from potstill.publish.pointer import load_pointer
from potstill.publish.releases import fetch_release
from potstill.publish.storing import store_bundle
from potstill.store.places import open_place
from tests.published import files_of, make_plain_bundle
from tests.storage.breaking_proxy import break_after, breaking, refuse

pytestmark = pytest.mark.s3
LARGE = 40_000_000  # bytes of the model; ten blocks
FETCH = """
import sys
from pathlib import Path
from potstill.publish.fetching import fetch_bundle
from potstill.publish.pointer import load_pointer
from potstill.store.places import open_place
place = open_place(sys.argv[1])
print("ready", flush=True)
fetch_bundle(place, load_pointer(place, "headlines", "1.0.0"), Path(sys.argv[2]), lambda _: None)
"""


@pytest.fixture
def bundle(tmp_path):
    return make_plain_bundle(tmp_path / "bundle")


@pytest.fixture
def place(bundle, tmp_path):
    """A store on the disk, with the release in it."""
    place = open_place((tmp_path / "store").as_uri())
    store_bundle(place, bundle)
    return place


@pytest.fixture
def out(tmp_path):
    (tmp_path / "here").mkdir()
    return tmp_path / "here" / "got"


def fetch(place, out):
    return fetch_bundle(place, load_pointer(place, "headlines", "1.0.0"), out, lambda _: None)


def names(folder):
    return sorted(each.name for each in folder.iterdir())


class Killed(BaseException):
    """What no code of ours looks after."""


def test_nothing_but_the_bundle_is_left(place, bundle, out):
    fetch(place, out)
    assert files_of(out) == files_of(bundle)
    assert names(out.parent) == ["got"]


def test_an_empty_folder_is_filled(place, bundle, out):
    out.mkdir()
    fetch(place, out)
    assert files_of(out) == files_of(bundle)


def test_a_folder_is_made_with_those_above_it(place, bundle, out):
    fetch(place, out / "deep" / "down")
    assert files_of(out / "deep" / "down") == files_of(bundle)


def test_what_is_there_already_is_proved_and_not_fetched(place, bundle, out):
    fetch(place, out)
    place.delete(place.keys("blobs"))
    fetch(place, out)
    (out / "models" / "onnx" / "model.onnx").write_bytes(b"changed")
    with pytest.raises(ArtifactError, match=r"changed models/onnx/model\.onnx"):
        fetch(place, out)


def test_a_folder_that_holds_something_else_is_left_alone(place, out, tmp_path):
    other = make_plain_bundle(tmp_path / "other", variant=1)
    signed_otherwise = make_plain_bundle(tmp_path / "third")
    (signed_otherwise / "model.sig").write_bytes(b"of somebody else")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.txt").write_text("mine")
    for folder in (other, signed_otherwise, tmp_path / "thesis"):
        was = files_of(folder)
        with pytest.raises(
            ArtifactError, match="holds something else than this release; pass a new or an empty folder"
        ):
            fetch(place, folder)
        assert files_of(folder) == was
        assert not (tmp_path / f".{folder.name}.fetching").exists()


def test_places_where_no_folder_can_be_are_refused(place, bundle, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for out, why in (
        (tmp_path / "file", "is not a folder"),
        (tmp_path / "link", "is not a folder"),
        (bundle / "in", "lies inside .*bundle, which is sealed"),
        (tmp_path / "file" / "in", r"cannot be written \("),
    ):
        with pytest.raises(ArtifactError, match=why):
            fetch(place, out)
    assert (tmp_path / "file").read_text() == "mine"


def test_the_folder_in_which_it_runs_is_not_replaced(place, tmp_path, monkeypatch):
    (tmp_path / "work" / "in").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work" / "in")
    for out in (Path(), Path(".."), tmp_path / "work" / "in"):
        with pytest.raises(ArtifactError, match="is a mount, or the folder in which this runs"):
            fetch(place, out)
    assert Path.cwd().exists()
    fetch(place, Path("got"))
    assert names(Path.cwd()) == ["got"]


def test_the_folder_of_somebody_else_is_not_used(place, out, tmp_path):
    """In /tmp anybody may put a folder of that name, with links in it that lead to files of ours."""
    hidden = out.parent / ".got.fetching"
    (tmp_path / "elsewhere").mkdir()
    hidden.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArtifactError, match="is not a folder of this user; delete it"):
        fetch(place, out)
    assert names(tmp_path / "elsewhere") == []
    hidden.unlink()
    if os.geteuid() == 0:
        hidden.mkdir()
        os.chown(hidden, 65534, 65534)
        with pytest.raises(ArtifactError, match="is not a folder of this user; delete it"):
            fetch(place, out)


def test_two_at_once_are_told_apart(place, out):
    folder = out.parent / ".got.fetching"
    folder.mkdir()
    with exclusive(folder / "lock", out), pytest.raises(ArtifactError, match=r"another process is writing .*got"):
        fetch(place, out)
    fetch(place, out)
    assert names(out.parent) == ["got"]


def test_what_is_not_proved_does_not_appear(place, out):
    def refuse_all(_):
        raise ArtifactError("not proved")

    with pytest.raises(ArtifactError, match="not proved"):
        fetch_bundle(place, load_pointer(place, "headlines", "1.0.0"), out, refuse_all)
    assert not out.exists()
    assert names(out.parent) == []  # nor is it kept beside, where it would look like a fetch that goes on


def test_a_proof_that_is_broken_off_leaves_what_came_unsealed(place, out):
    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_bundle(place, load_pointer(place, "headlines", "1.0.0"), out, stop)
    with pytest.raises(ArtifactError, match="was not written by a potstill stage, or not to its end"):
        expect(out.parent / ".got.fetching" / "bundle", BUNDLE)


def test_killed_after_every_file_it_goes_on_with_the_rest(place, bundle, out):
    kills = 0
    while killed_after(1, place, out):
        kills += 1
        assert not out.exists()
    assert files_of(out) == files_of(bundle)
    assert kills == 6  # of seven different files


def killed_after(steps, place, out):
    """Fetch, and end when so many objects were opened; what is opened are pointer, list and blobs."""
    place, left = open_place(place.uri), [steps]
    opened = place.open

    def counted(key):
        if key.startswith("blobs"):
            left[0] -= 1
            if left[0] < 0:
                raise Killed
        return opened(key)

    place.open = counted
    try:
        fetch(place, out)
    except Killed:
        return True
    return False


def test_what_an_earlier_fetch_left_is_not_believed(place, bundle, out, tmp_path):
    """Files of other bytes, files too many, links, and a part that began as something else."""
    assert killed_after(4, place, out)
    growing, parts = (out.parent / ".got.fetching" / name for name in ("bundle", "parts"))
    elsewhere = tmp_path / "mine"
    elsewhere.write_text("mine")
    (growing / "README.md").unlink(missing_ok=True)
    (growing / "README.md").symlink_to(elsewhere)
    (growing / "more" / "deep").mkdir(parents=True)
    (growing / "more" / "deep" / "file").write_text("")
    (growing / "artifact.json").write_text("{}")
    model = expect(bundle, BUNDLE).files[-2]
    assert model.path == "release.json"
    (growing / model.path).unlink(missing_ok=True)
    (parts / model.sha256).write_bytes(b"x" * 10_000)
    readme = next(each for each in expect(bundle, BUNDLE).files if each.path == "README.md")
    (parts / readme.sha256).unlink(missing_ok=True)
    (parts / readme.sha256).symlink_to(elsewhere)
    fetch(place, out)
    assert files_of(out) == files_of(bundle)
    assert elsewhere.read_text() == "mine"
    assert names(out.parent) == ["got"]


@pytest.fixture
def large(tmp_path, s3_bucket):
    """A release with a large file in a bucket."""
    bundle = make_plain_bundle(tmp_path / "large", size=LARGE)
    place = open_place(s3_bucket)
    store_bundle(place, bundle)
    yield bundle
    place.delete(place.keys("blobs"))  # the server keeps them in memory


def test_a_connection_that_breaks_off_costs_only_what_was_not_there(large, s3_bucket, s3_environment, out, monkeypatch):
    """To the byte: what came of a file is asked for no second time."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    model = next(each for each in expect(large, BUNDLE).files if each.bytes == LARGE)
    with breaking(s3_environment.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        proxy.fault = lambda asked: break_after(1_000_000) if late(asked, model) else None
        with pytest.raises(InputError, match="the connection broke off at byte"):
            fetch(open_place(s3_bucket), out)
        assert not out.exists()
        came = (out.parent / ".got.fetching" / "parts" / model.sha256).stat().st_size
        assert came >= LARGE // 2 - 4_200_000
        proxy.fault, proxy.asked = (lambda _: None), []
        fetch(open_place(s3_bucket), out)
        asked = [
            each.first for each in proxy.asked if blob_key(model.sha256) in each.path and each.range != "bytes=0-0"
        ]
        assert min(asked) == came
    assert files_of(out) == files_of(large)


def late(asked, model):
    return blob_key(model.sha256) in asked.path and asked.range != "bytes=0-0" and asked.first >= LARGE // 2


def test_a_killed_process_is_taken_up_again(large, s3_bucket, out):
    """Killed when so much of the model has come; each next one goes on from there."""
    parts, cut, came = out.parent / ".got.fetching" / "parts", 0, []
    for share in (0.1, 0.4, 0.7):
        process = subprocess.Popen([sys.executable, "-c", FETCH, s3_bucket, str(out)], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        while process.poll() is None and largest(parts) < share * LARGE:
            time.sleep(0.001)
        process.kill()
        process.stdout.close()
        process.wait()
        cut += not out.exists()
        came.append(largest(parts))
        assert not out.exists() or files_of(out) == files_of(large)
    assert cut > 0
    assert came[:cut] == sorted(came[:cut])
    fetch(open_place(s3_bucket), out)
    assert files_of(out) == files_of(large)
    assert names(out.parent) == ["got"]


def largest(folder):
    """Bytes of the largest file in a folder; 0 where there is none."""
    sizes = [0]
    for each in folder.glob("*"):
        with suppress(FileNotFoundError):  # it was whole, and moved
            sizes.append(each.stat().st_size)
    return max(sizes)


def test_a_full_disk_is_told_before_anything_is_fetched(place, out, tmp_path):
    """The list says how much is to come; a length that nobody has is as good as a full disk."""
    from tests.storage.test_releases_hostile import republish

    republish(place, lambda body: body["files"][-1].update(bytes=10**15))
    with pytest.raises(InputError, match=r"B free, and 1000000000\.0 MB are to come"):
        fetch(place, out)


def test_a_release_that_is_not_there_is_one_line(place, out):
    with pytest.raises(InputError, match=r"has no release headlines 2\.0\.0; potstill releases list file://"):
        fetch_release(place.uri, "headlines", "2.0.0", out)
    with pytest.raises(InputError, match="the name of a release must be like"):
        fetch_release(place.uri, "../x", "2.0.0", out)
    with pytest.raises(InputError, match="its version must be a semantic version"):
        fetch_release(place.uri, "headlines", "../../x", out)


def test_without_the_right_to_read_it_is_one_line(s3_bucket, s3_environment, bundle, out, monkeypatch):
    store_bundle(open_place(s3_bucket), bundle)
    with breaking(s3_environment.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        proxy.fault = lambda asked: refuse(403, "AccessDenied") if "/blobs/" in asked.path else None
        with pytest.raises(InputError, match="access refused") as refused:
            fetch_release(s3_bucket, "headlines", "1.0.0", out)
    assert "\n" not in str(refused.value)
    assert not out.exists()


def test_the_folder_of_a_file_store_needs_no_boto3(place, out):
    code = "import sys; sys.modules['boto3'] = None\nfrom pathlib import Path\n"
    code += "from potstill.publish.releases import fetch_release, list_releases\n"
    code += f"fetch_release({place.uri!r}, 'headlines', '1.0.0', Path({str(out)!r}))\n"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert Path(out / "artifact.json").is_file()
