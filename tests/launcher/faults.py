"""What may befall an artifact in a bucket between two steps: what KFP downloads without a word, and a step refuses.

A fault is done to a copy, at a prefix of its own, and tells what the next step must name.
"""

from collections.abc import Callable
from uuid import uuid4

from tests.launcher.backend import Outcome
from tests.launcher.executor_input import LOG
from tests.launcher.transfer import Store, split

MANIFEST = "artifact.json"
STALE = "round-3.safetensors"

Fault = Callable[[Store, str, str], str]


def empty_prefix(store: Store, uri: str, other: str) -> str:
    """Nothing was ever uploaded, or a bucket's lifecycle rule has deleted it."""
    for key in store.keys(uri):
        _delete(store, uri, key)
    return "does not exist"


def missing_object(store: Store, uri: str, other: str) -> str:
    """One object is lost."""
    key = largest(store, uri)
    _delete(store, uri, key)
    return f"missing {_name(uri, key)}"


def unfinished_upload(store: Store, uri: str, other: str) -> str:
    """The upload was killed after its first object, which in the order of names is the manifest."""
    first, *rest = store.keys(uri)
    assert first.endswith(MANIFEST)
    for key in rest:
        _delete(store, uri, key)
    return f"missing {_name(uri, rest[0])}"


def truncated_object(store: Store, uri: str, other: str) -> str:
    """One object is cut short."""
    key = largest(store, uri)
    data = store.read(_at(uri, key))
    store.write(_at(uri, key), data[: len(data) // 2])
    return f"changed {_name(uri, key)}"


def stale_object(store: Store, uri: str, other: str) -> str:
    """One object is left over of an attempt that was killed."""
    store.write(f"{uri}/{STALE}", b"of another attempt")
    return f"extra {STALE}"


def wrong_bytes(store: Store, uri: str, other: str) -> str:
    """One object has one other bit in the middle."""
    key = largest(store, uri)
    data = bytearray(store.read(_at(uri, key)))
    data[len(data) // 2] ^= 1
    store.write(_at(uri, key), bytes(data))
    return f"changed {_name(uri, key)}"


def missing_manifest(store: Store, uri: str, other: str) -> str:
    """The manifest is lost."""
    _delete(store, uri, f"{split(uri)[1]}/{MANIFEST}")
    return f"no {MANIFEST}"


def truncated_manifest(store: Store, uri: str, other: str) -> str:
    """The manifest is cut short."""
    store.write(f"{uri}/{MANIFEST}", store.read(f"{uri}/{MANIFEST}")[:100])
    return f"{MANIFEST} is not a manifest"


def wrong_kind(store: Store, uri: str, other: str) -> str:
    """Another stage's whole artifact is there: somebody wired the wrong output."""
    empty_prefix(store, uri, other)
    copy(store, other, uri)
    return "wanted is"


FAULTS: tuple[Fault, ...] = (
    empty_prefix,
    missing_object,
    unfinished_upload,
    truncated_object,
    stale_object,
    wrong_bytes,
    missing_manifest,
    truncated_manifest,
    wrong_kind,
)


def faulty(fault: Fault, store: Store, uri: str, other: str) -> tuple[str, str]:
    """Copy an artifact beside itself and let a fault befall the copy; → its URI, and what a step must name.

    Args:
        fault: the fault.
        store: with rights to all of it.
        uri: the artifact.
        other: a whole artifact of another kind.
    """
    place = f"{uri}-{uuid4().hex[:8]}"
    copy(store, uri, place)
    return place, fault(store, place, other)


def refusal(outcome: Outcome) -> str:
    """Return the one line of a step that refused its work, and left nothing but its log."""
    assert outcome.code == 2, outcome.log
    assert [uri.rpartition("/")[2] for uri in outcome.uploaded] == [LOG]
    assert "Traceback" not in outcome.log
    [line] = [line for line in outcome.log.splitlines() if line.startswith("potstill: error: ")]
    return line


def copy(store: Store, uri: str, to: str) -> None:
    """Copy every object of an artifact."""
    for key in store.keys(uri):
        store.write(f"{to}{key.removeprefix(split(uri)[1])}", store.read(_at(uri, key)))


def largest(store: Store, uri: str) -> str:
    """Return the key of an artifact's largest object besides its manifest."""
    keys = [key for key in store.keys(uri) if not key.endswith(f"/{MANIFEST}")]
    return max(keys, key=lambda key: len(store.read(_at(uri, key))))


def _at(uri: str, key: str) -> str:
    return f"s3://{split(uri)[0]}/{key}"


def _name(uri: str, key: str) -> str:
    return key.removeprefix(f"{split(uri)[1]}/")


def _delete(store: Store, uri: str, key: str) -> None:
    store.client.delete_object(Bucket=split(uri)[0], Key=key)
