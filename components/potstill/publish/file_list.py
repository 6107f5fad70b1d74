"""The list of a bundle's files out of a store that nobody vouches for."""

from pathlib import Path

from potstill.artifacts import BUNDLE, SIGNATURE, Artifact
from potstill.errors import ArtifactError, MissingError
from potstill.evidence.layout import INDEX
from potstill.evidence.manifest import digest_of, read_evidence_manifest
from potstill.evidence.names import name_offences
from potstill.publish.layout import bundle_key
from potstill.publish.small import read_small
from potstill.signing.strict_json import LARGEST
from potstill.store.place import Place

MOST_FILES = 20_000  # a release has a few hundred
LONGEST_NAME = 255  # bytes of one name, of most file systems


def load_file_list(place: Place, digest: str) -> tuple[bytes, Artifact]:
    """Read the list of a bundle's files.

    Args:
        place: the store.
        digest: of the bundle.

    Returns: its `artifact.json`, byte for byte, and what it says.

    Raises:
        ArtifactError: it is not there, of another digest or kind, names files that a folder cannot hold, or no index.
        InputError: not a manifest, or the store refuses.
    """
    where = f"{place.uri}/{bundle_key(digest)}"
    try:
        data = read_small(place, bundle_key(digest), LARGEST)
    except MissingError as missing:
        raise ArtifactError(f"{where} is not there: the release is not whole; publish it again") from missing
    if digest_of(data) != digest:
        raise ArtifactError(f"{where} has digest {digest_of(data)}, not that of its name; publish the bundle again")
    bundle = read_evidence_manifest(data, where, Path())
    if bundle.kind != BUNDLE:
        raise ArtifactError(f"{where} holds {bundle.kind}; wanted is {BUNDLE}")
    paths = [each.path for each in bundle.files]
    refuse_names(paths, where)
    if INDEX not in paths:
        raise ArtifactError(f"{where} lists no {INDEX}; wanted is a bundle as potstill sign writes it")
    return data, bundle


def refuse_names(paths: list[str], where: str) -> None:
    """Refuse files that a folder cannot hold, or that would be other files on another system.

    Raises:
        ArtifactError: too many; a name too long, or with characters that nobody sees; a file that is a folder, too;
            names that differ in capitals or accents alone. The first is named.
    """
    if len(paths) > MOST_FILES:
        raise ArtifactError(f"{where} lists {len(paths)} files; at most {MOST_FILES} are fetched")
    strange = next((each for each in paths if each == SIGNATURE or _is_too_long(each)), None)
    if strange is not None:
        raise ArtifactError(f"{where} lists {strange[:60]!a}, which is no name of a bundle's file")
    offence = next(name_offences(paths), "")
    if offence:
        raise ArtifactError(f"{where} lists what is no name of a bundle's file: {ascii(offence)[1:-1]}")


def _is_too_long(path: str) -> bool:
    return any(len(part.encode("utf-8", "surrogatepass")) > LONGEST_NAME for part in path.split("/"))
