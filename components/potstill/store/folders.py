"""Sealed folders into a store, so that one which was published in part never looks whole."""

import json
from pathlib import Path
from typing import Any

from potstill.artifacts import KINDS, MANIFEST, UNSEALED, expect
from potstill.errors import ArtifactError
from potstill.store.place import Place
from potstill.store.places import open_place


def claim(uri: str, kind: str) -> Place:
    """Mark a place as one where an artifact is being written; until it is published, readers call it unfinished.

    Call it before long work, so that a store which cannot be written is refused before the work and not after it.

    Args:
        uri: `file://` or `s3://`; empty, or with an artifact of the same kind, or with what a killed writer left.
        kind: what is to be published there, one of KINDS.

    Raises:
        ArtifactError: it holds another kind, or what potstill did not write; nothing of it is touched.
        InputError: the store refuses.
        OptionError: the URI is none.
    """
    place = open_place(uri)
    _refuse_contents(place, kind)
    place.write(UNSEALED, b"")
    return place


def publish(folder: Path, uri: str) -> None:
    """Copy a sealed folder into a store, its manifest last, instead of the artifact that was there before.

    Args:
        folder: the artifact.
        uri: as of `claim`, which need not be called before.

    Raises:
        ArtifactError: the folder is not a whole artifact, or as of `claim`.
        InputError: the store refuses.
        OptionError: the URI is none.
    """
    artifact = expect(folder, *KINDS)
    files = [file.path for file in artifact.files]
    place = claim(uri, artifact.kind)
    place.delete([MANIFEST])
    place.delete(set(place.keys()) - {UNSEALED, *files})  # of an earlier artifact; a manifest's files are all there are
    for key in (*files, MANIFEST):
        with (folder / key).open("rb") as stream:
            place.write_from(key, stream)
    place.delete([UNSEALED])


def _refuse_contents(place: Place, kind: str) -> None:
    """Refuse a place whose objects are not ours to replace; the marker says that potstill was at work there."""
    found = set(place.keys())
    if not found or UNSEALED in found:
        return
    manifest = _manifest(place) if MANIFEST in found else {}
    if manifest.get("kind", kind) != kind:
        raise ArtifactError(f"{place.uri} holds {manifest['kind']}, which {kind} would replace; pass another place")
    strange = sorted(found - {MANIFEST if manifest else "", *(file["path"] for file in manifest.get("files", ()))})
    if strange:
        raise ArtifactError(
            f"{place.uri} holds objects that potstill did not write: {', '.join(strange[:3])}"
            f"{f' and {len(strange) - 3} more' if len(strange) > 3 else ''}; pass an empty place"
        )


def _manifest(place: Place) -> dict[str, Any]:
    """Read what the artifact there says of itself; nothing when it is no manifest of ours."""
    try:
        body = json.loads(place.read(MANIFEST))
        return {"kind": body["kind"], "files": [{"path": file["path"]} for file in body["files"]]}
    except (ValueError, TypeError, KeyError):
        return {}
