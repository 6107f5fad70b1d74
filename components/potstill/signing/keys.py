"""Keys to sign with and to verify with: elliptic curves P-256, P-384 and P-521, in PEM files.

No message of this module, and no exception that it lets out, holds anything of a private key or of a passphrase.
"""

import hashlib
import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from potstill.errors import InputError, OptionError
from potstill.signing.shown_path import refuse_key_itself

PrivateKey = ec.EllipticCurvePrivateKey
PublicKey = ec.EllipticCurvePublicKey
KEY = "POTSTILL_SIGNING_KEY"  # path of the file, never the key itself: `ps`, pods and logs show an environment
MOUNTED_KEY = Path("/var/run/potstill/signing/release.key")  # where a cluster mounts its secret; asked for last
PASSPHRASE = "POTSTILL_SIGNING_KEY_PASSPHRASE"  # noqa: S105 - the name of the variable
PUBLIC_SUFFIX = ".pub"
LARGEST = 64 * 2**10  # bytes of a PEM file; a key has a few hundred, a chain of certificates a few thousand
CURVES: dict[str, type[ec.EllipticCurve]] = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "P-256": hashes.SHA256,
    "P-384": hashes.SHA384,
    "P-521": hashes.SHA512,
}
PRIVATE = b"PRIVATE KEY"
ONE, ONE_PRIVATE = re.compile(rb"-----BEGIN "), re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY")
_MAKE_ONE = "make one with: potstill keys new KEY"


def new_key(path: Path, curve: str = "P-256") -> PublicKey:
    """Make a key: the private half for its owner alone, the public half beside it as `.pub`.

    The private half is encrypted where POTSTILL_SIGNING_KEY_PASSPHRASE is set.

    Args:
        path: the private key's file. Folders above it that are not there are made, for their owner alone.
        curve: one of CURVES.

    Raises:
        OptionError: an unknown curve, a name that ends as that of a public key does, or a key in place of a name.
        InputError: one of the two files exists, as a key that signed something is never overwritten; or they cannot
            be written there.
    """
    if curve not in CURVES:
        raise OptionError(f"curve must be one of {', '.join(CURVES)}, got {curve!r}")
    public = public_path(path)
    present = [str(each) for each in (path, public) if os.path.lexists(each)]
    if present:
        exist = "exists" if len(present) == 1 else "exist"
        raise InputError(f"{' and '.join(present)} {exist}, and a key is not overwritten; pass another file")
    _make_folder(path.parent)
    key = ec.generate_private_key(CURVES[curve]())
    _write_new(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, _encryption()), 0o600)
    _write_new(public, public_pem(key.public_key()), 0o644)
    return key.public_key()


def public_path(path: Path) -> Path:
    """Name the file of the public half of a private key.

    Raises:
        OptionError: the private key's own name ends as that of a public key does, or it is a key and no name.
    """
    refuse_key_itself(path)
    if path.suffix == PUBLIC_SUFFIX or not path.name:
        raise OptionError(f"{path} is no name for a private key; {PUBLIC_SUFFIX} ends that of the public one")
    return path.with_suffix(PUBLIC_SUFFIX)


def read_private(path: Path) -> PrivateKey:
    """Read the key to sign with; the passphrase of an encrypted one is in POTSTILL_SIGNING_KEY_PASSPHRASE.

    Raises:
        InputError: no file, readable by others, no private key, several, of another kind, damaged, or encrypted and
            the passphrase is missing or wrong.
        OptionError: the path is a key itself.
    """
    text = read_pem(path, "a private key")
    _refuse_other_pem(path, text)
    _refuse_several(path, text, ONE_PRIVATE)
    _refuse_open_to_others(path)
    given = os.environ.get(PASSPHRASE, "")
    encrypted = b"ENCRYPTED" in text
    if encrypted and not given:
        raise InputError(f"{path} is encrypted; set {PASSPHRASE} to its passphrase")
    try:
        key = load_pem_private_key(text, given.encode("utf-8", "surrogateescape") if encrypted else None)
    except UnsupportedAlgorithm:
        raise InputError(f"{path} holds a key of a kind that is not known here; {_MAKE_ONE}") from None
    except (ValueError, TypeError):
        raise InputError(_unread(path, encrypted=encrypted)) from None
    if not isinstance(key, PrivateKey):
        raise InputError(f"{path} holds {_kind(key)}; wanted is an elliptic-curve key: {_MAKE_ONE}")
    _refuse_curve(path, key.curve)
    return key


def read_public(path: Path) -> PublicKey:
    """Read the key to verify with.

    Raises:
        InputError: no file, no public key, several, of another kind, or damaged. A private key is refused, too: who
            verifies should not hold it.
        OptionError: the path is a key itself.
    """
    return load_public(read_pem(path, "a public key"), path)


def load_public(text: bytes, where: object) -> PublicKey:
    """Take a public key out of the text of its PEM file.

    Args:
        text: what the file holds.
        where: how messages call it.

    Raises:
        InputError: no public key, several, of another kind, or damaged; or a private one.
    """
    if PRIVATE in text:
        raise InputError(f"{where} holds a private key; pass the public one, which potstill keys show prints of it")
    _refuse_several(where, text, ONE)
    try:
        key = load_pem_public_key(text)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InputError(f"{where} is not a public key in PEM, or is damaged; ask its owner for it again") from None
    if not isinstance(key, PublicKey):
        raise InputError(f"{where} holds {_kind(key)}; wanted is an elliptic-curve key")
    _refuse_curve(where, key.curve)
    return key


def public_pem(key: PublicKey) -> bytes:
    """Write a public key as PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def key_id(key: PublicKey) -> str:
    """Name a public key: SHA-256 (hex) of its PEM text, as stock model signing does."""
    return hashlib.sha256(public_pem(key)).hexdigest()


def curve_of(key: PublicKey) -> str:
    """Name a key's curve as CURVES does; empty for another."""
    return next((name for name, curve in CURVES.items() if isinstance(key.curve, curve)), "")


def hash_of(key: PublicKey) -> hashes.HashAlgorithm:
    """Return the hash that goes with a key's curve; OpenSSF model signing takes the same."""
    return _HASHES[curve_of(key)]()


def read_pem(path: Path, wanted: str) -> bytes:
    """Read a PEM file's bytes.

    Raises:
        InputError: no such file, a folder, not readable, or far too large to be one.
        OptionError: the path is a key itself.
    """
    refuse_key_itself(path)
    try:
        with path.open("rb") as stream:
            text = stream.read(LARGEST + 1)
    except OSError as failed:
        raise InputError(f"{path} cannot be read ({failed.strerror}); wanted is {wanted} in PEM") from None
    if len(text) > LARGEST:
        raise InputError(f"{path} is larger than {LARGEST} bytes; wanted is {wanted} in PEM")
    return text


def _encryption() -> KeySerializationEncryption:
    given = os.environ.get(PASSPHRASE, "")
    return BestAvailableEncryption(given.encode("utf-8", "surrogateescape")) if given else NoEncryption()


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it that are not there; pathlib would let others into the ones above."""
    try:
        if not folder.is_dir():
            _make_folder(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as failed:
        raise InputError(f"{folder} cannot be made a folder ({failed.strerror}); pass another file") from None


def _write_new(path: Path, text: bytes, mode: int) -> None:
    """Write a file that is not there yet; the bytes of a private key are never in a file that others may read."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as failed:
        raise InputError(f"{path} cannot be written ({failed.strerror}); pass another file") from None
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text)
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise


def _refuse_other_pem(path: Path, text: bytes) -> None:
    if PRIVATE in text:
        return
    for mark, what in ((b"PUBLIC KEY", "a public key"), (b"CERTIFICATE", "a certificate")):
        if mark in text:
            raise InputError(f"{path} holds {what}; pass the private key, which signs")
    raise InputError(f"{path} is not a private key in PEM; {_MAKE_ONE}")


def _refuse_open_to_others(path: Path) -> None:
    """Refuse, as ssh does, a key that others may read.

    A secret that Kubernetes mounts is let through: it belongs to root, and somebody else reads it, or it lies on a
    mount that nobody can write to; who may read it there is the cluster's to say.
    """
    status = path.stat()
    of_root = status.st_uid == 0 != os.geteuid()
    mounted = of_root or os.statvfs(path).f_flag & os.ST_RDONLY
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO) and not mounted:
        mode = stat.S_IMODE(status.st_mode)
        raise InputError(f"{path} may be read by others (mode {mode:04o}); make it yours alone: chmod 600 {path}")


def _refuse_several(where: object, text: bytes, one: re.Pattern[bytes]) -> None:
    """Refuse a file of several keys: the first alone would be read, and its user believe that all of them were."""
    count = len(one.findall(text))
    if count > 1:
        raise InputError(f"{where} holds {count} keys or certificates; wanted is one key: give each a file of its own")


def _refuse_curve(where: object, curve: ec.EllipticCurve) -> None:
    if not isinstance(curve, tuple(CURVES.values())):
        raise InputError(f"{where} holds a key on the curve {curve.name}; wanted is one of {', '.join(CURVES)}")


def _unread(path: Path, *, encrypted: bool) -> str:
    if encrypted:
        return f"{path} does not open with the passphrase in {PASSPHRASE}, or is damaged"
    return f"{path} is not a whole private key in PEM: cut off, or damaged; restore it, or {_MAKE_ONE}"


def _kind(key: object) -> str:
    """Name a key's kind: a word of its class, as in `RSAPrivateKey`, never its value."""
    name = type(key).__name__.lstrip("_").removesuffix("PrivateKey").removesuffix("PublicKey")
    return f"a key of the kind {name}"
