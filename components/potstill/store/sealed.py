"""Sealed folders in a store: proved to be whole where they lie, without being fetched."""

from collections.abc import Mapping
from pathlib import Path

from potstill.artifacts import MANIFEST, UNSEALED, Artifact, File, compare, parse_manifest
from potstill.errors import ArtifactError
from potstill.store.objects import StoredObject


def expect_objects(uri: str, objects: Mapping[str, StoredObject], *kinds: str, digest: str = "") -> Artifact | None:
    """Prove that objects are a whole artifact, as `artifacts.expect` does of a folder.

    The SHA-256 of each object is streamed; names and sizes are compared before, since they cost nothing.

    Args:
        uri: where the objects lie, for messages.
        objects: all of them, by their paths below the URI.
        kinds: the kinds that the caller reads.
        digest: when given, the digest that the artifact must have.

    Returns: the artifact, whose path is none of this machine; None for objects that nobody sealed.

    Raises:
        ArtifactError: unfinished, of another kind, of another digest, or with objects missing, changed or added.
        InputError: the store refuses.
    """
    if UNSEALED in objects:
        raise ArtifactError(f"{uri} is unfinished: what writes it did not end; run that again")
    if MANIFEST not in objects:
        return None
    with objects[MANIFEST].open() as stream:
        artifact = parse_manifest(stream.readall(), Path(), f"{uri}/{MANIFEST}")
    if artifact.kind not in kinds:
        raise ArtifactError(f"{uri} holds {artifact.kind}; wanted is {' or '.join(kinds)}")
    if digest and digest != artifact.digest:
        raise ArtifactError(f"{uri} has digest {artifact.digest}; wanted is {digest}")
    found = {path: each for path, each in objects.items() if path != MANIFEST}
    sizes = [File(each.path, each.bytes, "") for each in artifact.files]
    compare(uri, sizes, [File(path, each.size, "") for path, each in found.items()])
    compare(uri, artifact.files, [File(path, each.size, each.sha256()) for path, each in found.items()])
    return artifact
