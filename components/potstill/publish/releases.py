"""`potstill releases list | show | fetch`: what is in a store of releases, and one of them as a folder."""

import json as json_text
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from potstill.artifacts import Artifact
from potstill.errors import InputError, MissingError, PotstillError
from potstill.evidence.index import Index, check_name, read_index
from potstill.evidence.layout import INDEX
from potstill.one_line import one_line, refused_in_one_line
from potstill.progress import tell
from potstill.publish.blobs import read_blob
from potstill.publish.config import PublishConfig
from potstill.publish.fetching import fetch_bundle
from potstill.publish.file_list import load_file_list
from potstill.publish.layout import RELEASES, named_by
from potstill.publish.pointer import Pointer, load_pointer, refuse_other_index
from potstill.publish.proof import read_asked, require_proof
from potstill.publish.side_by_side import side_by_side
from potstill.publish.words import list_in_words, release_in_words
from potstill.signing.strict_json import LARGEST
from potstill.sizes import in_units
from potstill.store.disk import DiskPlace
from potstill.store.place import Place
from potstill.store.places import open_place
from potstill.told import DIFFERENT, SAME, Told
from potstill.verify.semantic_version import SemanticVersion

PlaceOption = Annotated[Positional[str], arg(metavar="PLACE")]
NameOption = Annotated[Positional[str], arg(metavar="NAME")]
VersionOption = Annotated[Positional[str], arg(metavar="VERSION")]


@refused_in_one_line()
def list_releases(place: PlaceOption, name: str = "", json: bool = False) -> Told:
    """List the releases of a store, the oldest version of each name first; nothing is proved of them.

    The exit code is 1 where something stands among them that is no release; it is named. Of a store that is there and
    holds none, a line on stderr says so.

      potstill releases list s3://models/releases

    Args:
        place: `s3://bucket/prefix`, or `file:///folder`.
        name: only the releases of this name.
        json: print one JSON object instead.

    Raises:
        InputError: the store refuses, it is a folder that is not there, or the name is none.
        OptionError: no place.
    """
    store = _there(open_place(place))
    below = f"{RELEASES}/{check_name(name, '--name')}" if name else RELEASES
    found = side_by_side(lambda key: _listed(store, key), store.keys(below), "reading")
    pointers = sorted((each for each in found if isinstance(each, Pointer)), key=_order)
    broken = sorted(each for each in found if isinstance(each, str))
    if json:
        told = {"releases": [asdict(each) for each in pointers], "broken": broken}
        return Told([json_text.dumps(told, indent=2)], DIFFERENT if broken else SAME)
    if not pointers:
        tell(f"no releases{f' of {name}' if name else ''} at {place}")
    return Told(map(one_line, list_in_words(pointers, broken)), DIFFERENT if broken else SAME)


@refused_in_one_line()
def show_release(place: PlaceOption, name: NameOption, version: VersionOption, json: bool = False) -> Told:
    """Tell what one release of a store says of itself: verdict, licence, lineage, files. Nothing is proved of it.

      potstill releases show s3://models/releases headlines 1.2.0

    Args:
        place: `s3://bucket/prefix`, or `file:///folder`.
        name: of the release.
        version: of the release.
        json: print one JSON object instead.

    Raises:
        ArtifactError: the release is not whole, or contradicts itself.
        InputError: the store has no such release, or refuses.
        OptionError: no place.
    """
    store = open_place(place)
    pointer = _pointer(store, name, version)
    _, bundle = load_file_list(store, pointer.bundle)
    index = _index(store, pointer, bundle)
    if json:
        files = [asdict(each) for each in (*bundle.files, pointer.signature)]
        told = {"pointer": asdict(pointer), "release": json_text.loads(index.to_bytes()), "files": files}
        return Told([json_text.dumps(told, indent=2)])
    return Told(map(one_line, release_in_words(pointer, index, bundle)))


@refused_in_one_line()
def fetch_release(
    place: PlaceOption,
    name: NameOption,
    version: VersionOption,
    out: Path,
    key: str = "",
    ca: str = "",
    policy: str = "",
) -> Told:
    """Fetch a release into a folder, every byte held against its digest, and prove it where a key is given.

    The folder appears whole or not at all. A fetch that was cut short goes on where it stood.

      potstill releases fetch s3://models/releases headlines 1.2.0 --out headlines --key release.pub

    Args:
        place: `s3://bucket/prefix`, or `file:///folder`.
        name: of the release.
        version: of the release.
        out: the folder that is made.
        key: the public key that must have signed: a PEM file, or its text.
        ca: the authority whose certificate must name the signer: a PEM file, or its text.
        policy: what is asked of the release besides: a TOML file of potstill verify, or its text; empty: a verdict of
            pass.

    Raises:
        ArtifactError: the release is not whole, or not proved, or the folder holds something else.
        InputError: the store has no such release, or refuses; or the disk has no room.
        OptionError: no place, or a policy and nobody to trust.
    """
    store = open_place(place)
    asked = read_asked(PublishConfig(public_key=key, ca=ca, policy=policy)) if key or ca or policy else None
    pointer = _pointer(store, name, version)
    called = f"{name} {version} of {place}"
    bundle = fetch_bundle(store, pointer, out, lambda folder: require_proof(folder, asked, called) if asked else None)
    proved = "proved" if asked else f"not proved: run potstill verify {out} --key with the signer's public key"
    size = sum(each.bytes for each in bundle.files) + pointer.signature.bytes
    return Told([one_line(f"{name} {version} in {out}: {len(bundle.files) + 2} files, {in_units(size)}, {proved}")])


def _there(store: Place) -> Place:
    """Refuse a folder that is not there: nobody has published to it. A bucket is asked when it is listed."""
    if isinstance(store, DiskPlace) and not store.folder.is_dir():
        raise InputError(f"{store.folder} does not exist or is not a folder; pass the place that was published to")
    return store


def _pointer(store: Place, name: str, version: str) -> Pointer:
    try:
        return load_pointer(store, name, version)
    except MissingError as missing:
        raise MissingError(
            f"{store.uri} has no release {name} {version}; potstill releases list {store.uri} lists those that it has"
        ) from missing


def _listed(store: Place, key: str) -> Pointer | str:
    """The release that stands under a key; in a line, why it is none."""
    try:
        pointer = load_pointer(store, *named_by(key))
        SemanticVersion(pointer.version)
    except PotstillError as refused:
        return f"{key} is no release: {refused}"
    return pointer


def _order(pointer: Pointer) -> tuple[str, SemanticVersion, str]:
    return pointer.name, SemanticVersion(pointer.version), pointer.version


def _index(store: Place, pointer: Pointer, bundle: Artifact) -> Index:
    """What the release says of itself, held against the pointer."""
    file = next(each for each in bundle.files if each.path == INDEX)
    index = read_index(read_blob(store, file, LARGEST))
    refuse_other_index(pointer, index, store.uri)
    return index
