"""A bundle into a store, so that its name leads to all of it or to nothing, and never to anything else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from potstill.artifacts import BUNDLE, MANIFEST, SIGNATURE, File, expect, read_manifest
from potstill.errors import ArtifactError, InputError, MissingError
from potstill.evidence.index import Index, read_index
from potstill.evidence.layout import INDEX
from potstill.evidence.manifest import digest_of
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


def store_bundle(place: Place, bundle: Path, proved: Mapping[str, File] | None = None) -> Stored:
    """Store a bundle under its name and version.

    First its files, each under its digest and read back; then their list; last, in one write on condition, which bundle
    the release is. So a reader finds the whole release or none, whenever the writer is killed.

    Args:
        place: the store.
        bundle: its folder; whether a trusted signer signed it is not asked here.
        proved: every file that was proved, by its path: nothing else is stored. None: nobody proved it.

    Raises:
        ArtifactError: the folder is not a whole bundle, or not the one that was proved; or the release exists with
            other bytes.
        InputError: the store refuses, ignores conditions, or does not give back what it was given.
    """
    sealed = expect(bundle, BUNDLE)
    manifest, pointer = (bundle / MANIFEST).read_bytes(), pointer_of(bundle)
    files = [*sealed.files, pointer.signature]
    listed = _file(MANIFEST, manifest)
    if not listed.sha256 == sealed.digest == pointer.bundle:
        raise ArtifactError(
            f"{bundle / MANIFEST} was changed while it was read; publish again when nobody writes there"
        )
    if proved is not None:
        _refuse_exchanged(bundle, [*files, listed], proved)
    _is_there(place, pointer)
    require_conditions(place)
    different = list({each.sha256: each for each in files}.values())
    uploaded = side_by_side(lambda each: each.bytes * keep(place, bundle / each.path, each), different, "publishing")
    _put_list(place, manifest, sealed.digest)
    _put_pointer(place, pointer)
    return Stored(pointer, len(files), sum(each.bytes for each in files), sum(uploaded))


def pointer_of(bundle: Path) -> Pointer:
    """Make the pointer of a bundle that was found to be whole.

    Raises:
        ArtifactError: it has no signature, or no `release.json`, or another than its seal lists.
        InputError: its `release.json` is none.
    """
    signature = bundle / SIGNATURE
    if not signature.is_file():
        raise ArtifactError(f"{bundle} has no {SIGNATURE}; sign the release first, with potstill sign")
    sealed, told = read_manifest(bundle), _read_index(bundle)
    if _file(INDEX, told) not in sealed.files:
        raise ArtifactError(f"{bundle / INDEX} is not what was sealed; make or fetch the bundle again")
    return pointer_to(sealed, _file(SIGNATURE, signature.read_bytes()), read_index(told, f"{bundle / INDEX}"))


def index_of(bundle: Path) -> Index:
    """Read what a bundle's `release.json` says.

    Raises:
        ArtifactError: it has none.
        InputError: it is none.
    """
    return read_index(_read_index(bundle), f"{bundle / INDEX}")


def _read_index(bundle: Path) -> bytes:
    path = bundle / INDEX
    if not path.is_file():
        raise ArtifactError(f"{bundle} has no {INDEX}; wanted is a bundle as potstill sign writes it")
    return path.read_bytes()


def _file(path: str, data: bytes) -> File:
    return File(path, len(data), digest_of(data))


def _refuse_exchanged(bundle: Path, found: Sequence[File], proved: Mapping[str, File]) -> None:
    """Refuse a folder that became another since it was proved; the first of what differs is named.

    Every file is uploaded under its digest and read back, so what passes here is what is stored, to the byte.

    Raises:
        ArtifactError: a file, the list of the files or the signature is not the one that was proved.
    """
    here = {each.path: each for each in found}
    other = sorted(path for path in proved.keys() | here.keys() if proved.get(path) != here.get(path))
    if other:
        more = f" and {len(other) - 1} more" if len(other) > 1 else ""
        raise ArtifactError(
            f"{bundle} is not the bundle that was proved: {other[0]}{more} changed since; nothing was published"
        )


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
