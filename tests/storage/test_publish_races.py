"""Of several who publish under one name at once, one is first; all others are told, and nothing of theirs is seen."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from potstill.errors import ArtifactError
from potstill.publish.fetching import fetch_bundle
from potstill.publish.pointer import load_pointer
from potstill.publish.storing import _put_pointer, pointer_of, store_bundle
from potstill.store.places import open_place
from tests.published import files_of, make_plain_bundle

pytestmark = pytest.mark.s3
WRITERS = 16
ROUNDS = 10
PROCESS = """
import sys
from pathlib import Path
from potstill.errors import PotstillError
from potstill.publish.storing import store_bundle
from potstill.store.places import open_place
print("ready", flush=True)
sys.stdin.readline()
try:
    store_bundle(open_place(sys.argv[1]), Path(sys.argv[2]))
    print("published", flush=True)
except PotstillError as refused:
    print(f"refused: {refused}", flush=True)
"""


@pytest.fixture(params=["disk", "radosgw"])
def place(request, tmp_path):
    """Where the races are held."""
    return open_place(
        (tmp_path / "store").as_uri() if request.param == "disk" else request.getfixturevalue("s3_bucket")
    )


def at_once(work, items):
    """Do the same to all items at the same moment; → what came of each, refusals included."""
    barrier = Barrier(len(items))

    def one(item):
        barrier.wait()
        try:
            return work(item)
        except ArtifactError as refused:
            return refused

    with ThreadPoolExecutor(len(items)) as threads:
        return list(threads.map(one, items))


def test_sixteen_publish_other_bytes_under_one_name(place, tmp_path):
    bundles = [make_plain_bundle(tmp_path / f"{number}", variant=number) for number in range(WRITERS)]
    came = at_once(lambda bundle: store_bundle(place, bundle), bundles)
    [winner] = [number for number, each in enumerate(came) if not isinstance(each, ArtifactError)]
    refusals = [str(each) for each in came if isinstance(each, ArtifactError)]
    assert len(refusals) == WRITERS - 1
    assert all(f"already, with another bundle ({came[winner].pointer.bundle})" in each for each in refusals)
    assert place.keys("releases") == ["releases/headlines/1.0.0.json"]
    fetch_bundle(place, load_pointer(place, "headlines", "1.0.0"), tmp_path / "got", lambda _: None)
    assert files_of(tmp_path / "got") == files_of(bundles[winner])


def test_sixteen_publish_the_same_bytes(place, tmp_path):
    bundle = make_plain_bundle(tmp_path / "bundle")
    came = at_once(lambda _: store_bundle(place, bundle), range(WRITERS))
    assert len({each.pointer for each in came}) == 1
    fetch_bundle(place, came[0].pointer, tmp_path / "got", lambda _: None)
    assert files_of(tmp_path / "got") == files_of(bundle)


def test_no_round_of_many_has_two_winners(place, tmp_path):
    """The one write that decides, as often as it is cheap."""
    pointer = pointer_of(make_plain_bundle(tmp_path / "bundle"))
    for number in range(ROUNDS):
        version = f"1.0.{number}"
        rivals = [replace(pointer, version=version, bundle=f"{each:064x}") for each in range(WRITERS)]
        came = at_once(lambda rival: _put_pointer(place, rival), rivals)
        [won] = [rival for rival, each in zip(rivals, came, strict=True) if each is None]
        assert load_pointer(place, "headlines", version) == won


def test_several_processes_publish_on_one_disk(tmp_path):
    place = open_place((tmp_path / "store").as_uri())
    bundles = [make_plain_bundle(tmp_path / f"{number}", variant=number) for number in range(4)]
    processes = [started(place.uri, bundle) for bundle in bundles]
    for each in processes:
        assert each.stdout.readline() == "ready\n"
    for each in processes:
        each.stdin.write("\n")
        each.stdin.flush()
    said = [each.communicate(timeout=60)[0] for each in processes]
    assert sorted(each.partition(":")[0].strip() for each in said) == ["published", *["refused"] * 3]
    fetch_bundle(place, load_pointer(place, "headlines", "1.0.0"), tmp_path / "got", lambda _: None)
    assert files_of(tmp_path / "got") == files_of(bundles[said.index("published\n")])


def started(uri: str, bundle: Path) -> "subprocess.Popen[str]":
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", PROCESS, uri, str(bundle)], **pipes)
