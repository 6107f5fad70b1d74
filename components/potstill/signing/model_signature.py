"""The OpenSSF model signature of a folder: one file, `model.sig`, over every other file in it.

Stock `model_signing verify` reads it. Where the stock tool leaves room, this one does not: the same files, name and key
give the same bytes; the set of files is closed, `.git` and all else that begins with a dot included; no path but the
signature's own is left out; symbolic links, empty folders and other spellings of the same signature are refused.

Source: github.com/sigstore/model-transparency 1.1.1; Sigstore bundle v0.3.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from potstill.artifacts import SIGNATURE
from potstill.errors import InputError
from potstill.signing.canonical import canonical
from potstill.signing.certificates import Certificate, der
from potstill.signing.closed_set import compare_files, file_digests
from potstill.signing.dsse import envelope_of, parts_of, signed_by
from potstill.signing.keys import PublicKey
from potstill.signing.strict_json import read_strict
from potstill.signing.trust import Identity, Signer, Trusted, identity_in, material_of

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://model_signing/signature/v1.0"
SERIALIZATION = {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": [SIGNATURE]}


@dataclass(frozen=True)
class Signed:
    """What a good signature says.

    Attributes:
        name: what was signed, as its signer calls it.
        digest: SHA-256 (hex) over the digests of all files; it names the folder.
        files: SHA-256 (hex) of each signed file, by its path.
        key: the key that signed; a bundle's attestations are signed by the same one.
        signer: the key's id or the certificate's subject, for a reader.
        certificate: the signer's, where a trusted authority vouches for it; None where the key itself is trusted.
    """

    name: str
    digest: str
    files: Mapping[str, str]
    key: PublicKey
    signer: str
    certificate: Certificate | None = None


def sign_folder(folder: Path, signer: Signer, name: str) -> bytes:
    """Sign every file below a folder.

    Args:
        folder: the folder; a `model.sig` at its root is left out, as a signature cannot sign itself.
        signer: who signs.
        name: what the folder holds, for a reader; the folder's own name would be another in each place.

    Returns: what `model.sig` is to hold; the same for the same files, name and signer.

    Raises:
        ArtifactError: a symbolic link, an empty folder, or anything else that is not a plain file or folder.
    """
    statement = statement_of(file_digests(folder), name, signer.chain)
    signed = envelope_of(canonical(statement), signer.key)
    return canonical({"mediaType": MEDIA_TYPE, "verificationMaterial": material_of(signer), "dsseEnvelope": signed})


def check_signature(folder: Path, data: bytes, trusted: Trusted) -> Signed:
    """Prove that a folder holds what was signed: every file, unchanged, and no other.

    Args:
        folder: the folder.
        data: what its `model.sig` holds.
        trusted: whose signature is taken.

    Raises:
        InputError: no signature, or none that is trusted.
        ArtifactError: files are missing, changed or added.
    """
    signed = read_signature(data, trusted)
    compare_files(folder, signed.files, file_digests(folder))
    return signed


def read_signature(data: bytes, trusted: Trusted, where: str = SIGNATURE) -> Signed:
    """Check a signature by itself, whatever lies beside it.

    Args:
        data: what `model.sig` holds.
        trusted: whose signature is taken.
        where: how messages call it.

    Raises:
        InputError: no signature in the one spelling that is read, or by nobody that is trusted.
    """
    parsed = read_strict(data, where)
    if canonical(parsed) != data:
        raise InputError(f"{where} is not canonical JSON; something rewrote it after it was signed")
    if not isinstance(parsed, dict) or sorted(parsed) != ["dsseEnvelope", "mediaType", "verificationMaterial"]:
        raise InputError(f"{where} is not a Sigstore bundle with a DSSE envelope, and no more")
    if parsed["mediaType"] != MEDIA_TYPE:
        raise InputError(f"{where} is not a Sigstore bundle of the kind {MEDIA_TYPE}")
    who = identity_in(parsed["verificationMaterial"], trusted, where)
    payload, signature = parts_of(parsed["dsseEnvelope"], where)
    if not signed_by(payload, signature, who.key):
        raise InputError(f"{where} was not made by {who.name}, or was changed after it was signed")
    return _read_statement(payload, who, where)


def statement_of(digests: Mapping[str, str], name: str, chain: Sequence[Certificate] = ()) -> dict[str, Any]:
    """Return the statement that is signed.

    Args:
        digests: SHA-256 (hex) of every file by its path.
        name: what the files are together.
        chain: the signer's certificates. Their digests stand in the statement, so that no other certificate for the
            same key can take their place; readers of v1.0 pass over a field that they do not know.
    """
    paths = sorted(digests, key=lambda path: path.split("/"))  # folder by folder, as the stock tool sorts
    whole = _sha256(b"".join(bytes.fromhex(digests[path]) for path in paths))
    certificates = {"certificates": [_sha256(der(each)) for each in chain]} if chain else {}
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": whole}}],
        "predicateType": PREDICATE,
        "predicate": {
            "serialization": SERIALIZATION,
            "resources": [{"name": path, "algorithm": "sha256", "digest": digests[path]} for path in paths],
            **certificates,
        },
    }


def _read_statement(payload: bytes, who: Identity, where: str) -> Signed:
    """Read what was signed, and make the statement again from it: no field is left that nobody looked at."""
    said = read_strict(payload, where)
    try:
        subject = said["subject"][0]
        files = {each["name"]: each["digest"] for each in said["predicate"]["resources"]}
        same = canonical(statement_of(files, subject["name"], who.chain)) == payload
        name, digest = subject["name"], subject["digest"]["sha256"]
    except (LookupError, TypeError, ValueError, AttributeError):
        same = False
    if not same or not isinstance(name, str):
        raise InputError(f"{where} does not sign a folder as {PREDICATE} tells it, or not in the one known way")
    return Signed(name, digest, files, who.key, who.name, who.chain[0] if who.vouched else None)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
