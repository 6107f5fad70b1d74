"""The stage: a signed bundle in, a release in a store out."""

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from potstill.artifacts import BUNDLE, finished
from potstill.errors import ArtifactError
from potstill.measure.measures import Measures
from potstill.output_folder import sealed_around
from potstill.progress import tell
from potstill.publish.config import PublishConfig
from potstill.publish.layout import pointer_key
from potstill.publish.proof import read_asked, require_proof
from potstill.publish.storing import index_of, store_bundle
from potstill.store.disk import DiskPlace
from potstill.store.place import Place
from potstill.store.places import open_place


def publish_bundle(
    bundle: Annotated[Positional[Path], arg(metavar="BUNDLE")],
    place: Annotated[Positional[str], arg(metavar="PLACE")],
    config: PublishConfig,
) -> Measures:
    """Put a signed bundle into a store, where its name and version lead to these bytes and never to others.

    The bundle is verified first. Killed at any moment, publishing leaves no release, or a whole one; run again it goes
    on. A bundle that is published again is read back once more, and what the store lost or damaged is put right.

      potstill publish runs/bundle s3://models/releases --key release.pub

    Args:
        bundle: `bundle/v1`, as sign wrote it.
        place: `s3://bucket/prefix`, or `file:///folder`; any number of releases lie in it.
        config: the options.

    Returns: files of the bundle, their bytes, and how many of these had to be uploaded.

    Raises:
        ArtifactError: the folder is not a whole bundle, or not proved, or another since it was proved; or the release
            exists with other bytes.
        InputError: the store refuses, or ignores conditions.
        OptionError: no place, or nobody to trust.
    """
    store = _open(place)
    asked = read_asked(config)
    finished(bundle, BUNDLE)
    proof = require_proof(bundle, asked)
    stored = store_bundle(store, bundle, proof.files)
    told = stored.pointer
    tell(f"published {told.name} {told.version} as {place.rstrip('/')}/{pointer_key(told.name, told.version)}")
    return {
        "files": float(stored.files),
        "bytes": float(stored.bytes),
        "uploaded_bytes": float(stored.uploaded),
    }


def uri_in(place: str, bundle: Path) -> str:
    """Say where a bundle stands in a store, by its name and version.

    Raises:
        ArtifactError: it has no `release.json`.
        InputError: it has none that can be read.
    """
    index = index_of(bundle)
    return f"{place.rstrip('/')}/{pointer_key(index.name, index.version)}"


def _open(uri: str) -> Place:
    """Open the store; a folder within something sealed is none, as a file added there would break it."""
    place = open_place(uri)
    around = sealed_around(place.folder / "releases") if isinstance(place, DiskPlace) else None
    if around:
        raise ArtifactError(f"{uri} lies inside {around}, which is sealed and would be broken; pass another place")
    return place
