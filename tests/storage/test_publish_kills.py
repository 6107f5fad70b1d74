"""Whenever publishing is killed, the store has the whole release or none; run again, it goes on."""

import random
import subprocess
import sys
import time
from threading import Lock

import pytest

from potstill.errors import MissingError
from potstill.publish.fetching import fetch_bundle
from potstill.publish.pointer import load_pointer
from potstill.publish.releases import list_releases
from potstill.publish.storing import store_bundle
from potstill.store.places import open_place
from tests.published import files_of, make_plain_bundle

pytestmark = pytest.mark.s3
PUBLISH = """
import sys
from pathlib import Path
from potstill.publish.storing import store_bundle
from potstill.store.places import open_place
place = open_place(sys.argv[1])
print("ready", flush=True)
store_bundle(place, Path(sys.argv[2]))
"""
LARGE = 30_000_000  # bytes of the model; a bucket takes it in parts


class Killed(BaseException):
    """What no code of ours looks after."""


def dying(place, steps, *, before):
    """Let a place be killed at its change of a number, just before or just after it, and at every later one."""
    left, lock = [steps], Lock()

    def counted(change):
        def one(*given):
            with lock:
                left[0] -= 1
                dead = left[0] < 0
            if dead and (before or left[0] < -1):
                raise Killed
            change(*given)
            if dead:
                raise Killed

        return one

    place.write_from, place.write_new = counted(place.write_from), counted(place.write_new)
    return place


def seen(place, out):
    """The files of the release as a reader gets them; None where there is no release."""
    try:
        pointer = load_pointer(place, "headlines", "1.0.0")
    except MissingError:
        if place.keys():  # of a folder: before the first change there is none, and a list of it is refused
            assert list(list_releases(place.uri).lines) == []
        return None
    fetch_bundle(place, pointer, out, lambda _: None)
    return files_of(out)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_killed_at_every_change(tmp_path, before):
    bundle = make_plain_bundle(tmp_path / "bundle")
    whole, seen_whole = files_of(bundle), 0
    for steps in range(30):
        uri = (tmp_path / f"store-{steps}").as_uri()
        try:
            store_bundle(dying(open_place(uri), steps, before=before), bundle)
        except Killed:
            found = seen(open_place(uri), tmp_path / f"got-{steps}")
            assert found in (None, whole)
            seen_whole += found == whole
            store_bundle(open_place(uri), bundle)
            assert seen(open_place(uri), tmp_path / f"again-{steps}") == whole
        else:
            break
    assert steps == 11  # eight files, two of them equal; two of the probe, list, pointer
    assert seen_whole == (0 if before else 1)  # after the very last change it is all there


def test_a_killed_process_leaves_no_release_or_a_whole_one(s3_bucket, tmp_path):
    bundle = make_plain_bundle(tmp_path / "bundle", size=LARGE)
    place, chance, cut = open_place(s3_bucket), random.Random(0), 0
    for kill in range(4):
        process = subprocess.Popen([sys.executable, "-c", PUBLISH, s3_bucket, str(bundle)], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0, 0.7))
        process.kill()
        process.stdout.close()
        process.wait()
        found = seen(place, tmp_path / f"got-{kill}")
        assert found in (None, files_of(bundle))
        cut += found is None
    assert cut > 0
    store_bundle(place, bundle)
    assert seen(place, tmp_path / "got") == files_of(bundle)
    place.delete(place.keys("blobs"))  # the server keeps them in memory
