"""A bundle into a store, so that its name leads to all of it or to nothing, and never to anything else."""

from dataclasses import dataclass
from pathlib import Path

from potstill.artifacts import BUNDLE, MANIFEST, SIGNATURE, File, expect, read_manifest, sha256_of
from potstill.errors import ArtifactError, InputError, MissingError
from potstill.evidence.index import Index, read_index
from potstill.evidence.layout import INDEX
from potstill.publish.blobs import keep
from potstill.publish.layout import bundle_key, pointer_key
from potstill.publish.pointer import Pointer, load_pointer, pointer_to
from potstill.publish.side_by_side import side_by_side
from potstill.store.conditions import require_conditions
from potstill.store.place import Place


@dataclass(frozen=True)
class Stored:
    """What came of it.

    Attributes:
        pointer: what stands in the store under the release's name and version.
        files: how many files the bundle has, its signature included.
        bytes: all of them together.
        uploaded: bytes that the store did not have.
    """

    pointer: Pointer
    files: int
    bytes: int
    uploaded: int


def store_bundle(place: Place, bundle: Path) -> Stored:
    """Store a bundle under its name and version.

    First its files, each under its digest and read back; then their list; last, in one write on condition, which bundle
    the release is. So a reader finds the whole release or none, whenever the writer is killed.

    Args:
        place: the store.
        bundle: its folder; whether a trusted signer signed it is not asked here.

    Raises:
        ArtifactError: the folder is not a whole bundle; or the release exists with other bytes.
        InputError: the store refuses, ignores conditions, or does not give back what it was given.
    """
    sealed = expect(bundle, BUNDLE)
    pointer = pointer_of(bundle)
    _is_there(place, pointer)
    require_conditions(place)
    files = [*sealed.files, pointer.signature]
    different = list({each.sha256: each for each in files}.values())
    uploaded = side_by_side(lambda each: each.bytes * keep(place, bundle / each.path, each), different, "publishing")
    _put_list(place, (bundle / MANIFEST).read_bytes(), sealed.digest)
    _put_pointer(place, pointer)
    return Stored(pointer, len(files), sum(each.bytes for each in files), sum(uploaded))


def pointer_of(bundle: Path) -> Pointer:
    """Make the pointer of a bundle that was found to be whole.

    Raises:
        ArtifactError: it has no signature, or no `release.json`.
        InputError: its `release.json` is none.
    """
    signature = bundle / SIGNATURE
    if not signature.is_file():
        raise ArtifactError(f"{bundle} has no {SIGNATURE}; sign the release first, with potstill sign")
    signed = File(SIGNATURE, signature.stat().st_size, sha256_of(signature))
    return pointer_to(read_manifest(bundle), signed, index_of(bundle))


def index_of(bundle: Path) -> Index:
    """Read what a bundle's `release.json` says.

    Raises:
        ArtifactError: it has none.
        InputError: it is none.
    """
    path = bundle / INDEX
    if not path.is_file():
        raise ArtifactError(f"{bundle} has no {INDEX}; wanted is a bundle as potstill sign writes it")
    return read_index(path.read_bytes(), f"{path}")


def _is_there(place: Place, pointer: Pointer) -> bool:
    """Tell whether a name stands for these bytes; refuse one that stands for others."""
    try:
        there = load_pointer(place, pointer.name, pointer.version)
    except MissingError:
        return False
    if there == pointer:
        return True
    what = "bundle" if there.bundle != pointer.bundle else "signature"
    raise ArtifactError(
        f"{place.uri} has {pointer.name} {pointer.version} already, with another {what} ({there.bundle}); a release "
        "never changes: publish this one under a new version"
    )


def _put_list(place: Place, manifest: bytes, digest: str) -> None:
    """Store the list of the files once all of them are there; its own digest is its name."""
    key = bundle_key(digest)
    place.write_new(key, manifest)
    if place.read(key) != manifest:
        place.write(key, manifest)  # no other bytes have this digest, so what stands there is damaged
    if place.read(key) != manifest:
        raise InputError(f"{place.uri}/{key} reads other than it was written; use another store")


def _put_pointer(place: Place, pointer: Pointer) -> None:
    """Take the name, unless it is taken; only what is read back tells whose it is."""
    place.write_new(pointer_key(pointer.name, pointer.version), pointer.to_bytes())
    if not _is_there(place, pointer):
        raise InputError(f"{place.uri} does not show the release that was just written; use another store")
