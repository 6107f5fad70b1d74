"""Which bundle a release is: the one small object of a store that a name and a version lead to."""

from dataclasses import asdict, dataclass

from potstill.artifacts import SIGNATURE, Artifact, File
from potstill.errors import ArtifactError, InputError
from potstill.evidence import shape
from potstill.evidence.index import VERDICTS, Index, check_name, check_version
from potstill.evidence.manifest import DIGEST
from potstill.licences import USES, Licence
from potstill.publish.layout import SCHEMA, pointer_key
from potstill.publish.small import read_small
from potstill.signing.canonical import canonical
from potstill.signing.strict_json import read_strict
from potstill.store.place import Place

LARGEST = 64 << 10  # bytes; a pointer has five hundred
KEYS = ("schema", "name", "version", "verdict", "overridden", "licence", "bundle", "signature")


@dataclass(frozen=True)
class Pointer:
    """What stands under a name and a version. No time of day: publishing again gives the same bytes.

    Attributes:
        name: of the release.
        version: its semantic version.
        verdict: pass, fail or inconclusive.
        overridden: whether it was released against its verdict.
        licence: the strictest of all it was made from.
        bundle: SHA-256 (hex) of the bundle's `artifact.json`.
        signature: the bundle's `model.sig`, which its own list of files cannot hold.
    """

    name: str
    version: str
    verdict: str
    overridden: bool
    licence: Licence
    bundle: str
    signature: File

    def to_bytes(self) -> bytes:
        """The canonical JSON that is stored."""
        signature = {"bytes": self.signature.bytes, "sha256": self.signature.sha256}
        return canonical({"schema": SCHEMA, **asdict(self), "signature": signature})


def pointer_to(bundle: Artifact, signature: File, index: Index) -> Pointer:
    """Make the pointer of a bundle.

    Args:
        bundle: its manifest.
        signature: its `model.sig`.
        index: its `release.json`.
    """
    overridden = bool(index.override)
    return Pointer(index.name, index.version, index.verdict, overridden, index.licence, bundle.digest, signature)


def load_pointer(place: Place, name: str, version: str) -> Pointer:
    """Read which bundle a release is.

    Raises:
        MissingError: the store has no such release.
        InputError: what stands there is no pointer, or that of another release.
    """
    key = pointer_key(check_name(name, "the name of a release"), check_version(version, "its version"))
    pointer = read_pointer(read_small(place, key, LARGEST), f"{place.uri}/{key}")
    if (pointer.name, pointer.version) != (name, version):
        raise InputError(f"{place.uri}/{key} leads to {pointer.name} {pointer.version}; the store is not to be trusted")
    return pointer


def read_pointer(data: bytes, where: str) -> Pointer:
    """Read a pointer.

    Raises:
        InputError: not strict, not canonical, or not of this shape.
    """
    body = shape.mapping(read_strict(data, where, LARGEST), where, *KEYS)
    shape.one_of(body["schema"], f"{where}: schema", SCHEMA)
    if not isinstance(body["overridden"], bool):
        raise InputError(f"{where}: overridden must be true or false, got {shape.shown(body['overridden'])}")
    licence = shape.mapping(body["licence"], f"{where}: licence", "expression", "use")
    signature = shape.mapping(body["signature"], f"{where}: signature", "bytes", "sha256")
    pointer = Pointer(
        name=check_name(body["name"], f"{where}: name"),
        version=check_version(body["version"], f"{where}: version"),
        verdict=shape.one_of(body["verdict"], f"{where}: verdict", *VERDICTS),
        overridden=body["overridden"],
        licence=Licence(
            shape.text(licence["expression"], f"{where}: licence.expression"),
            shape.one_of(licence["use"], f"{where}: licence.use", *USES),
        ),
        bundle=shape.text(body["bundle"], f"{where}: bundle", DIGEST),
        signature=File(
            SIGNATURE,
            shape.whole(signature["bytes"], f"{where}: signature.bytes"),
            shape.text(signature["sha256"], f"{where}: signature.sha256", DIGEST),
        ),
    )
    if pointer.to_bytes() != data:
        raise InputError(f"{where} is not canonical JSON (RFC 8785); wanted are the very bytes that publish wrote")
    return pointer


def refuse_other_index(pointer: Pointer, index: Index, where: str) -> None:
    """Refuse a pointer that says of a release what the release does not say of itself.

    Raises:
        ArtifactError: name, version, verdict, override or licence differ; all that differ are named.
    """
    itself = {
        "name": index.name,
        "version": index.version,
        "verdict": index.verdict,
        "overridden": bool(index.override),
        "licence": index.licence,
    }
    wrong = [name for name, value in itself.items() if getattr(pointer, name) != value]
    if wrong:
        said = ", ".join(wrong)
        raise ArtifactError(
            f"{where} does not lead to the release that it names: {said} differ in its release.json, which is "
            f"{index.name} {index.version}; the store is not to be trusted"
        )
